import { describe, expect, test } from 'vitest';
import { parseProcessingJob } from '../../src/job/processing-job.js';
import { cluster, input, output, outputs, validProcessing } from './processing-requests.js';
import { SETTINGS } from './requests.js';

type Members = Record<string, unknown>;

function parse(changes: Members = {}): ReturnType<typeof parseProcessingJob> {
  return parseProcessingJob(validProcessing(changes), SETTINGS);
}

function refusal(changes: Members): string {
  try {
    parse(changes);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'REQUEST_INVALID' });
    return (thrown as Error).message;
  }
  throw new Error('it was taken');
}

test('a request becomes a job, with the defaults of the service', () => {
  expect(parse()).toMatchObject({
    kind: 'processing',
    name: 'Split-1',
    arn: 'arn:aws:sagemaker:us-east-1:123456789012:processing-job/split-1',
    image: 'split:1',
    entrypoint: null,
    arguments: null,
    environment: {},
    channels: [
      {
        name: 'raw',
        localPath: '/opt/ml/processing/input',
        inputMode: 'File',
        distribution: 'FullyReplicated',
        compression: 'None',
        location: { bucket: 'data', key: 'raw/' },
      },
    ],
    outputs: [
      {
        name: 'train',
        localPath: '/opt/ml/processing/train',
        location: { bucket: 'data', key: 'train' },
        uploadMode: 'EndOfJob',
        kmsKeyId: null,
      },
    ],
    networkIsolation: false,
    maxRuntimeSeconds: 86_400,
  });
});

test('members that are null are absent', () => {
  const job = parse({ ProcessingInputs: null, ProcessingOutputConfig: null, Environment: null });
  expect([job.channels, job.outputs, job.environment]).toEqual([[], [], {}]);
});

test('with AppManaged the platform brings nothing and takes nothing', () => {
  const job = parse({
    ProcessingInputs: [input({}, { AppManaged: true }), { InputName: 'own', AppManaged: true }],
    ...outputs(output({}, { AppManaged: true })),
  });
  expect([job.channels, job.outputs]).toEqual([[], []]);
});

describe('limits are told in the words of AWS', () => {
  test.each<[string, Members]>([
    [
      "1 validation error detected: Value 'bad_name' at 'processingJobName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
      { ProcessingJobName: 'bad_name' },
    ],
    [
      "1 validation error detected: Value null at 'appSpecification.imageUri' failed to satisfy constraint: Member must not be null",
      { AppSpecification: {} },
    ],
    ['Member must be less than or equal to 777600', { StoppingCondition: { MaxRuntimeInSeconds: 777_601 } }],
    ['Member must be less than or equal to 100', { ProcessingResources: cluster({ InstanceCount: 101 }) }],
    [
      'Member must have length less than or equal to 10',
      {
        ProcessingInputs: Array.from({ length: 11 }, (_, index) =>
          input({ LocalPath: `/opt/ml/processing/${index}` }, { InputName: `i${index}` }),
        ),
      },
    ],
    [
      'Member must have length less than or equal to 10',
      outputs(
        ...Array.from({ length: 11 }, (_, index) =>
          output({ LocalPath: `/opt/ml/processing/${index}` }, { OutputName: `o${index}` }),
        ),
      ),
    ],
    ['Member must satisfy enum value set', { ProcessingInputs: [input({ S3InputMode: 'FastFile' })] }],
    [
      'Member must satisfy regular expression pattern: [a-zA-Z_][a-zA-Z0-9_]*',
      { Environment: { '1A': 'x' } },
    ],
    [
      'Member must have length greater than or equal to 1',
      { AppSpecification: { ImageUri: 'i', ContainerArguments: [] } },
    ],
  ])('%s', (words, changes) => {
    expect(refusal(changes)).toContain(words);
  });

  test('a member that AWS does not have is refused by name', () => {
    expect(refusal({ HyperParameters: {} })).toContain('HyperParameters');
  });
});

describe('rules between members', () => {
  test("an input without its fields is refused in AWS's own sentence", () => {
    const bare = { InputName: 'raw_train_data', S3Input: { S3Uri: 's3://b/p', S3DataType: 'S3Prefix' } };
    expect(refusal({ ProcessingInputs: [bare] })).toBe(
      'Input raw_train_data missing one or more required fields for SageMaker-managed S3Input: "LocalPath", "S3DownloadMode", "S3InputMode"',
    );
  });

  test.each<[string, Members]>([
    [
      "Invalid ProcessingInputs[1].S3Input.LocalPath. '/opt/ml/processing//input/' is the LocalPath of ProcessingInputs[0].S3Input.LocalPath already: each needs its own.",
      { ProcessingInputs: [input(), input({ LocalPath: '/opt/ml/processing//input/' }, { InputName: 'b' })] },
    ],
    [
      "Invalid ProcessingOutputConfig.Outputs[1].S3Output.LocalPath. '/opt/ml/processing/train' is the LocalPath of ProcessingOutputConfig.Outputs[0].S3Output.LocalPath already: each needs its own.",
      outputs(output(), output({}, { OutputName: 'b' })),
    ],
    [
      "Invalid ProcessingInputs. Input names must be unique, but 'raw' is given more than once.",
      { ProcessingInputs: [input(), input({ LocalPath: '/opt/ml/processing/b' })] },
    ],
    [
      "Invalid ProcessingOutputConfig. Output names must be unique, but 'train' is given more than once.",
      outputs(output(), output({ LocalPath: '/opt/ml/processing/b' })),
    ],
    [
      "Invalid ProcessingOutputConfig. An output cannot be named 'a/b': its folder is /opt/ml/output/data/<OutputName>.",
      outputs(output({}, { OutputName: 'a/b' })),
    ],
    [
      'Output train missing one or more required fields for SageMaker-managed S3Output: "LocalPath"',
      outputs(output({ LocalPath: '' })),
    ],
    [
      'Invalid ProcessingInputs[0]. Exactly one of S3Input and DatasetDefinition must be given, but there are 0.',
      { ProcessingInputs: [{ InputName: 'a' }] },
    ],
    [
      'Invalid ProcessingOutputConfig.Outputs[0]. FeatureStoreOutput can only be given when AppManaged is true.',
      outputs({ OutputName: 'f', FeatureStoreOutput: { FeatureGroupName: 'g' } }),
    ],
    [
      'Invalid ProcessingInputs[0]. S3CompressionType Gzip is for Pipe mode only, but S3InputMode is File.',
      { ProcessingInputs: [input({ S3CompressionType: 'Gzip' })] },
    ],
    [
      "Invalid Tags. Tag keys must be unique, but 'a' is given more than once.",
      {
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'a', Value: '2' },
        ],
      },
    ],
    [
      'Invalid AppSpecification.ContainerArguments[0]. It has a NUL character in it, which no program can be given: take it out.',
      { AppSpecification: { ImageUri: 'i', ContainerArguments: ['a\0b'] } },
    ],
    [
      "ProcessingOutputConfig.Outputs[0].S3Output.S3Uri is 'https://example.com/x', but an S3 address was expected: s3://bucket/prefix, or https:// with a host name of S3.",
      outputs(output({ S3Uri: 'https://example.com/x' })),
    ],
  ])('%s', (words, changes) => {
    expect(refusal(changes)).toBe(words);
  });

  test.each([
    '/opt/ml/input/data',
    'opt/ml/processing/x',
    '/opt/ml/processing/../model',
    '/opt/ml/processing',
  ])('a LocalPath outside /opt/ml/processing/ is refused: %s', LocalPath => {
    const words = `It must be a path below /opt/ml/processing/ without .., but it is '${LocalPath}'.`;
    expect(refusal({ ProcessingInputs: [input({ LocalPath })] })).toContain(words);
    expect(refusal(outputs(output({ LocalPath })))).toContain(words);
  });
});
