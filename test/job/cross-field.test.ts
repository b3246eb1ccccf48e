import { describe, expect, test } from 'vitest';
import { parseTrainingJob } from '../../src/job/training-job.js';
import { algorithm, channel, resources, SETTINGS, validRequest } from './requests.js';

const GROUP = { InstanceType: 'ml.m5.large', InstanceCount: 1, InstanceGroupName: 'one' };
const FILE_SYSTEM = {
  FileSystemId: 'fs-0123456789',
  FileSystemAccessMode: 'ro',
  FileSystemType: 'EFS',
  DirectoryPath: '/',
};

function refusal(changes: Record<string, unknown>): { code: string; message: string } {
  try {
    parseTrainingJob(validRequest(changes), SETTINGS);
  } catch (thrown) {
    return thrown as { code: string; message: string };
  }
  throw new Error('the request was taken');
}

describe('a local path', () => {
  const MEMBERS = ['DebugHookConfig', 'TensorBoardOutputConfig'];

  test.each([
    ...['/', '//', '/./', '/opt', '/opt/', '/opt/ml', '//opt//ml//model', '/opt/./ml/model'],
    ...['/opt/ml/input', '/opt/ml/input/config', '/opt/ml/input/config/hyperparameters.json'],
    ...['/opt/ml/input/data/train', '/opt/ml/input/data/train-manifest', '/opt/ml/input/own'],
    ...['/opt/ml/model', '/opt/ml/model/tb', '/opt/ml/errors', '/opt/ml/errors/e', '/opt/ml/code/x'],
    ...['/opt/ml/output', '/opt/ml/output/', '/opt/ml/output/data', '/opt/ml/output/data/tb'],
    ...['/opt/ml/output/failure', '/opt/ml/output/metrics/sagemaker', '/opt/ml/output/profiler'],
    ...['/proc/x', '/sys', '/dev', '/dev/shm', '/etc', '/etc/tb', '/bin', '/sbin', '/lib', '/lib64/x'],
    ...['/usr/bin', '/usr/local/tb', '/tmp', '/home/', '/root', '/run', '/var'],
  ])('%s is refused: platform or system use it otherwise', LocalPath => {
    for (const member of MEMBERS)
      expect(refusal({ [member]: { S3OutputPath: 's3://b', LocalPath } })).toMatchObject({
        code: 'REQUEST_INVALID',
        message: `Invalid ${member}. LocalPath must be a folder that neither the platform nor the system uses, such as /opt/ml/output/tensorboard or /tb, but it is '${LocalPath}'.`,
      });
  });

  test.each([
    ...['/opt/ml/output/tensors', '/opt/ml/output/tensorboard/', '/opt/ml/output/data-of-mine'],
    ...['/opt/tensors', '/opt/ml/tb', '/opt/ml/models', '/tb', '/tb x', '/tmp/tb', '/home/x', '/var/log/tb'],
    ...['/library/tb', '/device', '/mnt'],
  ])('%s is taken', LocalPath => {
    for (const member of MEMBERS)
      expect(() =>
        parseTrainingJob(validRequest({ [member]: { S3OutputPath: 's3://b', LocalPath } }), SETTINGS),
      ).not.toThrow();
  });

  test('of checkpoints keeps to the same rule', () => {
    expect(refusal({ CheckpointConfig: { S3Uri: 's3://b', LocalPath: '/opt/ml/input/data' } })).toMatchObject(
      { code: 'REQUEST_INVALID' },
    );
  });

  test.each([
    '/opt/ml/output/tensors',
    '/opt/ml/output',
    '/opt/ml/model/checkpoints',
    'checkpoints',
    '/a/../etc',
  ])('of checkpoints is refused where others are: %s', LocalPath => {
    const members = {
      CheckpointConfig: { S3Uri: 's3://b', LocalPath },
      DebugHookConfig: { S3OutputPath: 's3://b' },
    };
    expect(refusal(members).message).toMatch(/^Invalid CheckpointConfig\. LocalPath must /);
  });

  test.each(['checkpoints', 'checkpoints-manifest'])('of checkpoints takes the name of channel %s', name => {
    const members = { InputDataConfig: [channel({ ChannelName: name })] };
    expect(() => parseTrainingJob(validRequest(members), SETTINGS)).not.toThrow();
    expect(refusal({ ...members, CheckpointConfig: { S3Uri: 's3://b' } })).toMatchObject({
      code: 'REQUEST_INVALID',
      message: `Invalid InputDataConfig. With CheckpointConfig no channel can be named '${name}': /opt/ml/input/data/checkpoints-manifest lists the checkpoints.`,
    });
  });

  test('that only begins like the one of another member lies apart from it', () => {
    const members = {
      DebugHookConfig: { S3OutputPath: 's3://b', LocalPath: '/tb' },
      TensorBoardOutputConfig: { S3OutputPath: 's3://b', LocalPath: '/tb2' },
    };
    expect(() => parseTrainingJob(validRequest(members), SETTINGS)).not.toThrow();
  });
});

describe('rules between members', () => {
  test.each<[string, Record<string, unknown>, string]>([
    [
      'an image and an algorithm',
      algorithm({ AlgorithmName: 'mine' }),
      'Invalid AlgorithmSpecification. TrainingImage and AlgorithmName cannot both be given: keep one of them.',
    ],
    [
      'neither image nor algorithm',
      algorithm({ TrainingImage: '' }),
      'Invalid AlgorithmSpecification. Either TrainingImage or AlgorithmName must be given.',
    ],
    [
      'an entrypoint without an image',
      algorithm({ TrainingImage: null, AlgorithmName: 'mine', ContainerEntrypoint: ['sh'] }),
      'Invalid AlgorithmSpecification. ContainerEntrypoint can only be given with TrainingImage, not with AlgorithmName.',
    ],
    [
      'arguments without an image',
      algorithm({ TrainingImage: null, AlgorithmName: 'mine', ContainerArguments: ['a'] }),
      'Invalid AlgorithmSpecification. ContainerArguments can only be given with TrainingImage, not with AlgorithmName.',
    ],
    [
      'two channels of one name',
      { InputDataConfig: [channel(), channel(), channel()] },
      "Invalid InputDataConfig. Channel names must be unique, but 'train' is given more than once.",
    ],
    [
      'a channel that would be the folder above',
      { InputDataConfig: [channel({ ChannelName: '..' })] },
      "Invalid InputDataConfig. A channel cannot be named '..': its folder would be another one.",
    ],
    [
      "a channel named as another one's manifest",
      { InputDataConfig: [channel(), channel({ ChannelName: 'train-manifest' })] },
      "Invalid InputDataConfig. Channel 'train' brings a file train-manifest, so no other channel can have that name.",
    ],
    [
      'a source with nothing in it',
      { InputDataConfig: [{ ChannelName: 'train', DataSource: {} }] },
      'Invalid InputDataConfig[0]. DataSource must have exactly one of S3DataSource, FileSystemDataSource and DatasetSource, and has 0.',
    ],
    [
      'two sources in one channel',
      {
        InputDataConfig: [
          channel({
            DataSource: {
              S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://b' },
              FileSystemDataSource: FILE_SYSTEM,
            },
          }),
        ],
      },
      'Invalid InputDataConfig[0]. DataSource must have exactly one of S3DataSource, FileSystemDataSource and DatasetSource, and has 2.',
    ],
    [
      'a file system without a VPC',
      { InputDataConfig: [channel({ DataSource: { FileSystemDataSource: FILE_SYSTEM } })] },
      'Invalid InputDataConfig[0]. FileSystemDataSource needs VpcConfig, which gives the job a way to the file system.',
    ],
    [
      'Gzip in File mode',
      { InputDataConfig: [channel({ CompressionType: 'Gzip' })] },
      "Invalid InputDataConfig[0]. CompressionType Gzip is for Pipe mode only, but the input mode of channel 'train' is File.",
    ],
    [
      'an augmented manifest in File mode, without attribute names',
      { InputDataConfig: [channel({}, { S3DataType: 'AugmentedManifestFile' })] },
      'Invalid InputDataConfig[0]. S3DataType AugmentedManifestFile needs AttributeNames. ' +
        "Invalid InputDataConfig[0]. S3DataType AugmentedManifestFile is for Pipe mode only, but the input mode of channel 'train' is File.",
    ],
    [
      'a manifest in FastFile mode',
      { InputDataConfig: [channel({ InputMode: 'FastFile' }, { S3DataType: 'ManifestFile' })] },
      "Invalid InputDataConfig[0]. S3DataType ManifestFile cannot be read in FastFile mode, which takes S3Prefix, but the input mode of channel 'train' is FastFile.",
    ],
    [
      'an instance group that does not exist',
      { InputDataConfig: [channel({}, { InstanceGroupNames: ['data'] })] },
      "Invalid InputDataConfig. InstanceGroupNames has 'data', which no instance group is named.",
    ],
    [
      'instance groups named by some channels only',
      {
        ResourceConfig: { InstanceGroups: [GROUP] },
        InputDataConfig: [channel({}, { InstanceGroupNames: ['one'] }), channel({ ChannelName: 'b' })],
      },
      'Invalid InputDataConfig. Either every channel names its instance groups, or none does.',
    ],
    [
      'instance groups beside an instance type',
      resources({ InstanceGroups: [GROUP, GROUP] }),
      'Invalid ResourceConfig. InstanceGroups cannot be given together with InstanceType and InstanceCount. ' +
        "Invalid ResourceConfig. Names of instance groups must be unique, but 'one' is given more than once.",
    ],
    [
      'a wait without spot',
      { StoppingCondition: { MaxWaitTimeInSeconds: 90000 } },
      'Invalid MaxWaitTimeInSeconds. It can only be given when EnableManagedSpotTraining is true.',
    ],
    [
      'spot without a wait',
      { EnableManagedSpotTraining: true },
      'Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds (3600) when EnableManagedSpotTraining is true.',
    ],
    [
      'a wait that is shorter than the run',
      { EnableManagedSpotTraining: true, StoppingCondition: { MaxWaitTimeInSeconds: 86399 } },
      'Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds (86400) when EnableManagedSpotTraining is true.',
    ],
    [
      'a warm pool of spot instances',
      {
        ...resources({ KeepAlivePeriodInSeconds: 60 }),
        EnableManagedSpotTraining: true,
        StoppingCondition: { MaxWaitTimeInSeconds: 90000 },
      },
      'Invalid ResourceConfig. KeepAlivePeriodInSeconds cannot be given with EnableManagedSpotTraining.',
    ],
    [
      'tags twice, and tags of AWS',
      {
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'a', Value: '2' },
          { Key: 'AWS:x', Value: '' },
        ],
      },
      "Invalid Tags. Tag keys must be unique, but 'a' is given more than once. " +
        "Invalid Tags. Tag keys may not start with aws:, which is AWS's own, but one is 'AWS:x'.",
    ],
    [
      'a pattern of a metric that is none',
      algorithm({ MetricDefinitions: [{ Name: 'loss', Regex: 'loss=([0-9]+' }] }),
      "Invalid MetricDefinitions. Regex of 'loss' must be a regular expression, but it is 'loss=([0-9]+': missing ), unterminated subpattern at position 5.",
    ],
    [
      'a local path that is not absolute',
      { DebugHookConfig: { S3OutputPath: 's3://b', LocalPath: 'tensors' } },
      "Invalid DebugHookConfig. LocalPath must be an absolute path without .., but it is 'tensors'.",
    ],
    [
      'a local path that climbs',
      { TensorBoardOutputConfig: { S3OutputPath: 's3://b', LocalPath: '/opt/ml/../../etc' } },
      "Invalid TensorBoardOutputConfig. LocalPath must be an absolute path without .., but it is '/opt/ml/../../etc'.",
    ],
    [
      'two local paths, one in the other',
      {
        DebugHookConfig: { S3OutputPath: 's3://b', LocalPath: '/tb/debug' },
        TensorBoardOutputConfig: { S3OutputPath: 's3://b', LocalPath: '/tb//' },
      },
      "Invalid TensorBoardOutputConfig. LocalPath must lie apart from that of DebugHookConfig, '/tb/debug', but it is '/tb//'.",
    ],
    [
      "a local path that is another member's default",
      {
        DebugHookConfig: { S3OutputPath: 's3://b', LocalPath: '/opt/ml/output/tensorboard' },
        TensorBoardOutputConfig: { S3OutputPath: 's3://b' },
      },
      "Invalid DebugHookConfig. LocalPath must lie apart from that of TensorBoardOutputConfig, '/opt/ml/output/tensorboard/', but it is '/opt/ml/output/tensorboard'.",
    ],
    [
      'an address of the profiler that names no bucket',
      { ProfilerConfig: { S3OutputPath: 'https://example.com/data' } },
      "ProfilerConfig.S3OutputPath is 'https://example.com/data', but an S3 address was expected: s3://bucket/prefix, or https:// with a host name of S3.",
    ],
    [
      'an address of another host',
      { InputDataConfig: [channel({}, { S3Uri: 'https://example.com/data' })] },
      "InputDataConfig[0].DataSource.S3DataSource.S3Uri is 'https://example.com/data', but an S3 address was expected: s3://bucket/prefix, or https:// with a host name of S3.",
    ],
    [
      'a NUL character in a variable',
      { Environment: { A: 'b\0' } },
      'Invalid Environment.A. It has a NUL character in it, which no program can be given: take it out.',
    ],
  ])('%s', (_, changes, message) => {
    expect(refusal(changes)).toMatchObject({ code: 'REQUEST_INVALID', message });
  });

  test('an augmented manifest in Pipe mode with attribute names is taken', () => {
    const source = { S3DataType: 'AugmentedManifestFile', AttributeNames: ['image-ref'] };
    expect(() => refusal({ InputDataConfig: [channel({ InputMode: 'Pipe' }, source)] })).toThrow(
      'the request was taken',
    );
  });

  test('limits are looked at before rules between members, and these before what optml does not do', () => {
    const pipe = { InputDataConfig: [channel({ InputMode: 'Pipe' }), channel({ InputMode: 'Pipe' })] };
    expect(refusal({ ...pipe, TrainingJobName: '_' }).message).toMatch(/^1 validation error detected: /);
    expect(refusal(pipe).message).toMatch(/^Invalid InputDataConfig\. Channel names must be unique/);
  });
});
