import { describe, expect, test } from 'vitest';
import { parseTrainingJob } from '../../src/job/training-job.js';
import { algorithm, channel, resources, SETTINGS, validRequest } from './requests.js';

test('a request becomes a job with every default filled in', () => {
  const request = validRequest();
  expect(parseTrainingJob(request, SETTINGS)).toEqual({
    kind: 'training',
    name: 'Digits-1',
    arn: 'arn:aws:sagemaker:us-east-1:123456789012:training-job/digits-1',
    region: 'us-east-1',
    account: '123456789012',
    request,
    image: 'digits:1',
    entrypoint: null,
    arguments: null,
    hyperparameters: {},
    environment: {},
    channels: [
      {
        name: 'train',
        contentType: null,
        inputMode: 'File',
        dataType: 'S3Prefix',
        location: { bucket: 'data', key: 'train/' },
        distribution: 'FullyReplicated',
        recordWrapper: 'None',
        compression: 'None',
        shuffleSeed: null,
        attributeNames: [],
        instanceGroups: [],
        fileSystem: null,
      },
    ],
    output: { location: { bucket: 'models', key: 'out' }, compression: 'GZIP', kmsKeyId: null },
    instanceGroups: [{ name: 'homogeneousCluster', instanceType: 'ml.m5.large', instanceCount: 1 }],
    platform: 'linux/amd64',
    networkIsolation: false,
    maxRuntimeSeconds: 3600,
    spot: null,
    retryAttempts: 0,
    checkpoints: null,
    metricDefinitions: [],
    debugHook: null,
    tensorBoard: null,
    profiler: null,
    differences: [expect.objectContaining({ member: 'RoleArn' })],
  });
});

test('everything that can be given is taken over', () => {
  const job = parseTrainingJob(
    validRequest({
      ...algorithm({
        ContainerEntrypoint: ['python', 'train.py'],
        ContainerArguments: ['--fast'],
        MetricDefinitions: [{ Name: 'loss', Regex: 'loss=(.*)' }],
      }),
      ...resources({ InstanceType: 'ml.m6g.large' }),
      HyperParameters: { epochs: '5' },
      Environment: { A: 'b' },
      InputDataConfig: [
        channel(
          {
            ContentType: 'text/csv',
            RecordWrapperType: 'RecordIO',
            CompressionType: 'None',
            InputMode: 'File',
          },
          { S3DataDistributionType: 'ShardedByS3Key' },
        ),
      ],
      OutputDataConfig: { S3OutputPath: 's3://models', CompressionType: 'NONE', KmsKeyId: 'alias/k' },
      EnableNetworkIsolation: true,
      DebugHookConfig: { S3OutputPath: 's3://debug/x', CollectionConfigurations: [] },
      TensorBoardOutputConfig: { S3OutputPath: 's3://tb/', LocalPath: '//logs//./tb/' },
      ProfilerConfig: { S3OutputPath: 's3://profile/p' },
    }),
    SETTINGS,
  );
  expect(job).toMatchObject({
    entrypoint: ['python', 'train.py'],
    arguments: ['--fast'],
    metricDefinitions: [{ name: 'loss', regex: 'loss=(.*)' }],
    platform: 'linux/arm64',
    hyperparameters: { epochs: '5' },
    environment: { A: 'b' },
    channels: [{ contentType: 'text/csv', recordWrapper: 'RecordIO', distribution: 'ShardedByS3Key' }],
    output: { location: { bucket: 'models', key: '' }, compression: 'NONE', kmsKeyId: 'alias/k' },
    networkIsolation: true,
    debugHook: {
      localPath: '/opt/ml/output/tensors',
      location: { bucket: 'debug', key: 'x' },
      config: {
        S3OutputPath: 's3://debug/x',
        CollectionConfigurations: [],
        LocalPath: '/opt/ml/output/tensors',
      },
    },
    tensorBoard: {
      localPath: '/logs/tb',
      location: { bucket: 'tb', key: '' },
      config: { LocalPath: '//logs//./tb/' },
    },
    profiler: { localPath: '/opt/ml/output/profiler', location: { bucket: 'profile', key: 'p' } },
  });
  expect(job.differences.map(one => one.member)).toEqual(['OutputDataConfig.KmsKeyId', 'ProfilerConfig']);
});

describe('members that may be missing', () => {
  test('channels, StoppingCondition and all that is optional', () => {
    const job = parseTrainingJob(
      validRequest({ InputDataConfig: undefined, StoppingCondition: undefined }),
      SETTINGS,
    );
    expect(job.channels).toEqual([]);
    expect(job.maxRuntimeSeconds).toBe(86400);
  });

  test('null is absent, in the request that Describe answers from too', () => {
    const job = parseTrainingJob(
      validRequest({ InputDataConfig: null, Tags: null, ...algorithm({ ContainerEntrypoint: null }) }),
      SETTINGS,
    );
    expect(job.entrypoint).toBeNull();
    expect(job.request).toEqual(validRequest({ InputDataConfig: undefined }));
    expect(Object.keys(job.request)).not.toContain('Tags');
  });

  test('an empty list of arguments is refused, an absent one is not', () => {
    expect(() => parseTrainingJob(validRequest(algorithm({ ContainerArguments: [] })), SETTINGS)).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }),
    );
  });
});

test("the role's account and partition stand in the ARN, whatever the settings say", () => {
  const role = { RoleArn: 'arn:aws-cn:iam::210987654321:role/service-role/R', TrainingJobName: 'Mixed-CASE' };
  const job = parseTrainingJob(validRequest(role), { region: 'cn-north-1', account: '000000000000' });
  expect(job.account).toBe('210987654321');
  expect(job.name).toBe('Mixed-CASE');
  expect(job.arn).toBe('arn:aws-cn:sagemaker:cn-north-1:210987654321:training-job/mixed-case');
});

test('a hyperparameter and a variable named __proto__ are kept', () => {
  const request = validRequest({
    HyperParameters: JSON.parse('{"__proto__": "1"}') as unknown,
    Environment: JSON.parse('{"__proto__": "2"}') as unknown,
  });
  const job = parseTrainingJob(request, SETTINGS);
  expect(Object.entries(job.hyperparameters)).toEqual([['__proto__', '1']]);
  expect(Object.entries(job.environment)).toEqual([['__proto__', '2']]);
});

test('the request that was handed over is not changed', () => {
  const request = validRequest({ Tags: null });
  const before = JSON.stringify(request);
  parseTrainingJob(request, SETTINGS);
  expect(JSON.stringify(request)).toBe(before);
});

test("spot, retries and checkpoints are the job's", () => {
  const members = {
    EnableManagedSpotTraining: true,
    StoppingCondition: { MaxRuntimeInSeconds: 60, MaxWaitTimeInSeconds: 90 },
    RetryStrategy: { MaximumRetryAttempts: 2 },
    CheckpointConfig: { S3Uri: 's3://b/c/', LocalPath: '//state/' },
  };
  expect(parseTrainingJob(validRequest(members), SETTINGS)).toMatchObject({
    spot: { maxWaitSeconds: 90 },
    retryAttempts: 2,
    checkpoints: { localPath: '/state', location: { bucket: 'b', key: 'c/' } },
  });
});
