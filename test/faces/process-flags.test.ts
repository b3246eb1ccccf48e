/** The request that the flags of `optml process` make, in the words of the SDK's ProcessingInput and ProcessingOutput. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectRefusal } from '../harness/aftermath.js';
import { optml, scratch } from '../harness/optml.js';

const IMAGE = ['--image', 'optml-shell:latest', '--name', 'flags'];

test('every flag has its member, in its order', async () => {
  const home = await scratch('home');
  const { status, stdout } = await optml(
    [
      ...['process', ...IMAGE, '--print-request', '--role', 'arn:aws:iam::123456789012:role/R'],
      ...[
        '--input',
        's3://bucket/a:b/:/opt/ml/processing/input',
        '--input',
        's3://bucket/c:/opt/ml/processing/c',
      ],
      ...['--s3-input-mode', 'Pipe', '--s3-data-distribution-type', 'ShardedByS3Key'],
      ...['--output', '/opt/ml/processing/a=b=s3://bucket/out=1', '--s3-upload-mode', 'Continuous'],
      ...[
        '--entrypoint',
        'python3',
        '--entrypoint',
        '-u',
        '--argument',
        'x',
        '--argument=--y',
        '--argument',
        '',
      ],
      ...['--environment', 'A=b=c', '--environment', 'EMPTY='],
      ...[
        '--instance-type',
        'ml.c5.large',
        '--instance-count',
        '3',
        '--volume-size',
        '7',
        '--max-runtime',
        '60',
      ],
      '--network-isolation',
    ],
    { home },
  );
  expect(status).toBe(0);
  const input = (index: number, uri: string, path: string): object => ({
    InputName: `input-${index}`,
    S3Input: {
      S3Uri: uri,
      LocalPath: path,
      S3DataType: 'S3Prefix',
      S3InputMode: 'Pipe',
      S3DataDistributionType: 'ShardedByS3Key',
      S3CompressionType: 'None',
    },
  });
  expect(JSON.parse(stdout)).toEqual({
    ProcessingJobName: 'flags',
    RoleArn: 'arn:aws:iam::123456789012:role/R',
    AppSpecification: {
      ImageUri: 'optml-shell:latest',
      ContainerEntrypoint: ['python3', '-u'],
      ContainerArguments: ['x', '--y', ''],
    },
    Environment: { A: 'b=c', EMPTY: '' },
    ProcessingInputs: [
      input(1, 's3://bucket/a:b/', '/opt/ml/processing/input'),
      input(2, 's3://bucket/c', '/opt/ml/processing/c'),
    ],
    ProcessingOutputConfig: {
      Outputs: [
        {
          OutputName: 'output-1',
          S3Output: {
            S3Uri: 's3://bucket/out=1',
            LocalPath: '/opt/ml/processing/a=b',
            S3UploadMode: 'Continuous',
          },
        },
      ],
    },
    ProcessingResources: {
      ClusterConfig: { InstanceCount: 3, InstanceType: 'ml.c5.large', VolumeSizeInGB: 7 },
    },
    StoppingCondition: { MaxRuntimeInSeconds: 60 },
    NetworkConfig: { EnableNetworkIsolation: true },
  });
});

test('what is not said is not in the request, but for what the SDK always sends', async () => {
  const home = await scratch('home');
  const { stdout } = await optml(['process', ...IMAGE, '--print-request'], { home });
  expect(JSON.parse(stdout)).toEqual({
    ProcessingJobName: 'flags',
    RoleArn: 'arn:aws:iam::000000000000:role/optml',
    AppSpecification: { ImageUri: 'optml-shell:latest' },
    ProcessingResources: {
      ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 30 },
    },
    StoppingCondition: { MaxRuntimeInSeconds: 86_400 },
  });
});

test('a local folder or file becomes a place that leads back to it', async () => {
  const home = await scratch('home');
  await mkdir(join(home, 'data'));
  await writeFile(join(home, 'run.py'), '');
  const { stdout } = await optml(
    [
      ...['process', ...IMAGE, '--print-request', '--input', './data:/opt/ml/processing/input'],
      ...['--input', 'run.py:/opt/ml/processing/code'],
    ],
    { home },
  );
  expect(JSON.parse(stdout)).toMatchObject({
    ProcessingInputs: [
      { S3Input: { S3Uri: 's3://optml-local/flags/input-1/', LocalPath: '/opt/ml/processing/input' } },
      { S3Input: { S3Uri: 's3://optml-local/flags/input-2/run.py', LocalPath: '/opt/ml/processing/code' } },
    ],
  });
});

test.each([
  [
    ['--input', 's3://bucket/a'],
    '--input "s3://bucket/a": expected s3://bucket/prefix:/opt/ml/processing/input',
  ],
  [['--input', './nowhere:/opt/ml/processing/a'], 'there is no "./nowhere" here'],
  [
    ['--output', '/opt/ml/processing/a'],
    '--output "/opt/ml/processing/a": expected /opt/ml/processing/output=s3://',
  ],
  [['--environment', 'A'], '--environment "A": expected key=value'],
  [['--instance-count', 'two'], '--instance-count "two": expected a whole number'],
  [['--input', '.:/opt/ml/data'], 'It must be a path below /opt/ml/processing/'],
])('%j is refused with the way out', async (flags, words) => {
  const home = await scratch('home');
  expectRefusal(await optml(['process', ...IMAGE, ...flags], { home }), 2, words);
});

test('a value that AWS does not have is refused in its words', async () => {
  const home = await scratch('home');
  const flags = ['--input', '.:/opt/ml/processing/a', '--s3-input-mode', 'FastFile'];
  const { status, stderr } = await optml(['process', ...IMAGE, ...flags], { home });
  expect(status).toBe(2);
  expect(stderr).toContain('Member must satisfy enum value set: [Pipe, File]');
});
