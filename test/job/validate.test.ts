import { describe, expect, test } from 'vitest';
import { OptmlError } from '../../src/errors.js';
import { parseTrainingJob } from '../../src/job/training-job.js';
import { algorithm, channel, resources, SETTINGS, validRequest } from './requests.js';

function messageFor(changes: Record<string, unknown>): string {
  try {
    parseTrainingJob(validRequest(changes), SETTINGS);
  } catch (thrown) {
    if (thrown instanceof OptmlError && thrown.code === 'REQUEST_INVALID') return thrown.message;
    throw thrown;
  }
  throw new Error('the request was taken');
}

/** One violation as AWS says it. */
function one(value: string, path: string, constraint: string): string {
  return `1 validation error detected: Value ${value} at '${path}' failed to satisfy constraint: ${constraint}`;
}

const NAME_PATTERN = 'Member must satisfy regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}';
const S3_PATTERN = 'Member must satisfy regular expression pattern: (https|s3)://([^/]+)/?(.*)';
const ROLE_PATTERN =
  'Member must satisfy regular expression pattern: arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+';
const TAG_PATTERN = 'Member must satisfy regular expression pattern: ([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)';
const KMS_PATTERN = 'Member must satisfy regular expression pattern: [a-zA-Z0-9:/_-]*';
const NOT_NULL = 'Member must not be null';

function atMost(length: number): string {
  return `Member must have length less than or equal to ${length}`;
}

function atLeast(length: number): string {
  return `Member must have length greater than or equal to ${length}`;
}

const long = (length: number): string => 'x'.repeat(length);

describe("a limit of AWS's model, in AWS's words", () => {
  test.each<[string, Record<string, unknown>, string]>([
    [
      'a name with an underscore',
      { TrainingJobName: 'bad_name' },
      one("'bad_name'", 'trainingJobName', NAME_PATTERN),
    ],
    ['a name that ends in a hyphen', { TrainingJobName: 'a-' }, one("'a-'", 'trainingJobName', NAME_PATTERN)],
    [
      'a name that is too long',
      { TrainingJobName: long(64) },
      `2 validation errors detected: Value '${long(64)}' at 'trainingJobName' failed to satisfy constraint: ${atMost(63)}; ` +
        `Value '${long(64)}' at 'trainingJobName' failed to satisfy constraint: ${NAME_PATTERN}`,
    ],
    [
      'an empty name',
      { TrainingJobName: '' },
      `2 validation errors detected: Value '' at 'trainingJobName' failed to satisfy constraint: ${atLeast(1)}; ` +
        `Value '' at 'trainingJobName' failed to satisfy constraint: ${NAME_PATTERN}`,
    ],
    ['no name', { TrainingJobName: null }, one('null', 'trainingJobName', NOT_NULL)],
    ['no role', { RoleArn: undefined }, one('null', 'roleArn', NOT_NULL)],
    [
      'a role that is no ARN of a role',
      { RoleArn: 'arn:aws:iam::123456789012:user/x' },
      one("'arn:aws:iam::123456789012:user/x'", 'roleArn', ROLE_PATTERN),
    ],
    [
      'a role of eleven digits',
      { RoleArn: 'arn:aws:iam::12345678901:role/SageMaker' },
      one("'arn:aws:iam::12345678901:role/SageMaker'", 'roleArn', ROLE_PATTERN),
    ],
    [
      'a role that is only a name',
      { RoleArn: 'SageMaker' },
      `2 validation errors detected: Value 'SageMaker' at 'roleArn' failed to satisfy constraint: ${atLeast(20)}; ` +
        `Value 'SageMaker' at 'roleArn' failed to satisfy constraint: ${ROLE_PATTERN}`,
    ],
    ['no algorithm', { AlgorithmSpecification: null }, one('null', 'algorithmSpecification', NOT_NULL)],
    ['no resources', { ResourceConfig: null }, one('null', 'resourceConfig', NOT_NULL)],
    ['no output', { OutputDataConfig: null }, one('null', 'outputDataConfig', NOT_NULL)],
    ['no output path', { OutputDataConfig: {} }, one('null', 'outputDataConfig.s3OutputPath', NOT_NULL)],
    [
      'an output path on disk',
      { OutputDataConfig: { S3OutputPath: '/tmp/out' } },
      one("'/tmp/out'", 'outputDataConfig.s3OutputPath', S3_PATTERN),
    ],
    [
      'an output path without a bucket',
      { OutputDataConfig: { S3OutputPath: 's3:///out' } },
      one("'s3:///out'", 'outputDataConfig.s3OutputPath', S3_PATTERN),
    ],
    [
      'an output compression in small letters',
      { OutputDataConfig: { S3OutputPath: 's3://b', CompressionType: 'gzip' } },
      one("'gzip'", 'outputDataConfig.compressionType', 'Member must satisfy enum value set: [GZIP, NONE]'),
    ],
    [
      'a KMS key with a blank',
      { OutputDataConfig: { S3OutputPath: 's3://b', KmsKeyId: 'my key' } },
      one("'my key'", 'outputDataConfig.kmsKeyId', KMS_PATTERN),
    ],
    [
      'an input mode in small letters',
      algorithm({ TrainingInputMode: 'file' }),
      one(
        "'file'",
        'algorithmSpecification.trainingInputMode',
        'Member must satisfy enum value set: [Pipe, File, FastFile]',
      ),
    ],
    [
      'no input mode',
      algorithm({ TrainingInputMode: null }),
      one('null', 'algorithmSpecification.trainingInputMode', NOT_NULL),
    ],
    [
      'an image name that is too long',
      algorithm({ TrainingImage: long(256) }),
      one(`'${long(256)}'`, 'algorithmSpecification.trainingImage', atMost(255)),
    ],
    [
      'an empty entrypoint',
      algorithm({ ContainerEntrypoint: [] }),
      one("'[]'", 'algorithmSpecification.containerEntrypoint', atLeast(1)),
    ],
    [
      'an argument that is too long',
      algorithm({ ContainerArguments: ['a', long(257)] }),
      one(
        `'[a, ${long(257)}]'`,
        'algorithmSpecification.containerArguments',
        `Member must satisfy constraint: [${atMost(256)}, ${atLeast(0)}, Member must satisfy regular expression pattern: .*]`,
      ),
    ],
    [
      'a metric without a pattern',
      algorithm({ MetricDefinitions: [{ Name: 'loss' }] }),
      one('null', 'algorithmSpecification.metricDefinitions.1.member.regex', NOT_NULL),
    ],
    ['an empty list of channels', { InputDataConfig: [] }, one("'[]'", 'inputDataConfig', atLeast(1))],
    [
      'a channel name with a blank',
      { InputDataConfig: [channel(), channel({ ChannelName: 'my data' })] },
      one(
        "'my data'",
        'inputDataConfig.2.member.channelName',
        'Member must satisfy regular expression pattern: [A-Za-z0-9\\.\\-_]+',
      ),
    ],
    [
      'a channel name that is too long',
      { InputDataConfig: [channel({ ChannelName: long(65) })] },
      one(`'${long(65)}'`, 'inputDataConfig.1.member.channelName', atMost(64)),
    ],
    [
      'a channel without a source',
      { InputDataConfig: [{ ChannelName: 'train' }] },
      one('null', 'inputDataConfig.1.member.dataSource', NOT_NULL),
    ],
    [
      'an S3 source without its type',
      { InputDataConfig: [channel({}, { S3DataType: null })] },
      one('null', 'inputDataConfig.1.member.dataSource.s3DataSource.s3DataType', NOT_NULL),
    ],
    [
      'an S3 type that does not exist',
      { InputDataConfig: [channel({}, { S3DataType: 'S3Object' })] },
      one(
        "'S3Object'",
        'inputDataConfig.1.member.dataSource.s3DataSource.s3DataType',
        'Member must satisfy enum value set: [ManifestFile, S3Prefix, AugmentedManifestFile, Converse]',
      ),
    ],
    [
      'a distribution that does not exist',
      { InputDataConfig: [channel({}, { S3DataDistributionType: 'Sharded' })] },
      one(
        "'Sharded'",
        'inputDataConfig.1.member.dataSource.s3DataSource.s3DataDistributionType',
        'Member must satisfy enum value set: [FullyReplicated, ShardedByS3Key]',
      ),
    ],
    [
      'an S3 URI with another scheme',
      { InputDataConfig: [channel({}, { S3Uri: 'gs://data/train' })] },
      one("'gs://data/train'", 'inputDataConfig.1.member.dataSource.s3DataSource.s3Uri', S3_PATTERN),
    ],
    [
      'an S3 URI that is too long',
      { InputDataConfig: [channel({}, { S3Uri: `s3://data/${long(1020)}` })] },
      one(
        `'s3://data/${long(1014)}…'`,
        'inputDataConfig.1.member.dataSource.s3DataSource.s3Uri',
        atMost(1024),
      ),
    ],
    [
      'a hyperparameter that is too long',
      { HyperParameters: { a: '1', b: long(2501) } },
      one(
        `'{a=1, b=${long(1016)}…'`,
        'hyperParameters',
        `Map value must satisfy constraint: [${atMost(2500)}, ${atLeast(0)}, Member must satisfy regular expression pattern: .*]`,
      ),
    ],
    [
      'a hyperparameter of two lines',
      { HyperParameters: { a: '1\n2' } },
      one(
        "'{a=1\n2}'",
        'hyperParameters',
        `Map value must satisfy constraint: [${atMost(2500)}, ${atLeast(0)}, Member must satisfy regular expression pattern: .*]`,
      ),
    ],
    [
      'a variable that begins with a digit',
      { Environment: { '1ST': 'a' } },
      one(
        "'{1ST=a}'",
        'environment',
        `Map keys must satisfy constraint: [${atMost(512)}, ${atLeast(0)}, Member must satisfy regular expression pattern: [a-zA-Z_][a-zA-Z0-9_]*]`,
      ),
    ],
    [
      'a variable whose value is too long',
      { Environment: { A: long(513) } },
      one(
        `'{A=${long(513)}}'`,
        'environment',
        `Map value must satisfy constraint: [${atMost(512)}, ${atLeast(0)}, Member must satisfy regular expression pattern: [\\S\\s]*]`,
      ),
    ],
    [
      'a negative volume',
      resources({ VolumeSizeInGB: -1 }),
      one("'-1'", 'resourceConfig.volumeSizeInGB', 'Member must be greater than or equal to 0'),
    ],
    [
      'no instance',
      resources({ InstanceCount: 0 }),
      one("'0'", 'resourceConfig.instanceCount', 'Member must be greater than or equal to 1'),
    ],
    [
      'no instance count',
      resources({ InstanceCount: null }),
      one('null', 'resourceConfig.instanceCount', NOT_NULL),
    ],
    [
      'no instance type',
      resources({ InstanceType: null }),
      one('null', 'resourceConfig.instanceType', NOT_NULL),
    ],
    [
      'a warm pool that is too long',
      resources({ KeepAlivePeriodInSeconds: 21601 }),
      one("'21601'", 'resourceConfig.keepAlivePeriodInSeconds', 'Member must be less than or equal to 21600'),
    ],
    [
      'a run of no time',
      { StoppingCondition: { MaxRuntimeInSeconds: 0 } },
      one("'0'", 'stoppingCondition.maxRuntimeInSeconds', 'Member must be greater than or equal to 1'),
    ],
    [
      'a run of more than 28 days',
      { StoppingCondition: { MaxRuntimeInSeconds: 2419201 } },
      one(
        "'2419201'",
        'stoppingCondition.maxRuntimeInSeconds',
        'Member must be less than or equal to 2419200',
      ),
    ],
    [
      'a wait that is too short',
      { StoppingCondition: { MaxPendingTimeInSeconds: 60 } },
      one(
        "'60'",
        'stoppingCondition.maxPendingTimeInSeconds',
        'Member must be greater than or equal to 7200',
      ),
    ],
    ['a tag without a value', { Tags: [{ Key: 'a' }] }, one('null', 'tags.1.member.value', NOT_NULL)],
    [
      'a tag key with a star',
      { Tags: [{ Key: 'a*', Value: '' }] },
      one("'a*'", 'tags.1.member.key', TAG_PATTERN),
    ],
    [
      'a subnet with a slash',
      { VpcConfig: { SecurityGroupIds: ['sg-1'], Subnets: ['10.0.0.0/8'] } },
      one(
        "'[10.0.0.0/8]'",
        'vpcConfig.subnets',
        `Member must satisfy constraint: [${atMost(32)}, ${atLeast(0)}, Member must satisfy regular expression pattern: [-0-9a-zA-Z]+]`,
      ),
    ],
    [
      'too many retries',
      { RetryStrategy: { MaximumRetryAttempts: 31 } },
      one("'31'", 'retryStrategy.maximumRetryAttempts', 'Member must be less than or equal to 30'),
    ],
  ])('%s', (_, changes, message) => {
    expect(messageFor(changes)).toBe(message);
  });

  test('21 channels and 101 variables are too many', () => {
    const channels = Array.from({ length: 21 }, (_, index) => channel({ ChannelName: `c${index}` }));
    const variables = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`V${index}`, '']));
    const message = messageFor({ InputDataConfig: channels, Environment: variables });
    expect(message).toMatch(/^2 validation errors detected: Value '\[\{ChannelName=c0, /);
    expect(message).toContain(`at 'inputDataConfig' failed to satisfy constraint: ${atMost(20)}; `);
    expect(message).toContain(`at 'environment' failed to satisfy constraint: ${atMost(100)}`);
  });

  test('an instance type that is none: the list of types is shortened', () => {
    expect(messageFor(resources({ InstanceType: 'local' }))).toMatch(
      /^1 validation error detected: Value 'local' at 'resourceConfig\.instanceType' failed to satisfy constraint: Member must satisfy enum value set: \[ml\.m4\.xlarge, (?:ml\.[a-z0-9.]+, ){19}…\]$/,
    );
  });
});

describe('what AWS could not read, in our words', () => {
  test.each<[Record<string, unknown>, string]>([
    [
      { HyperParameters: { epochs: 5 } },
      'HyperParameters.epochs is the number 5, but AWS takes a string there: put it in quotes, "5".',
    ],
    [
      { Environment: { DEBUG: true } },
      'Environment.DEBUG is the boolean true, but AWS takes a string there: put it in quotes, "true".',
    ],
    [
      { HyperParameters: { 'my layers': [64, 32] } },
      'HyperParameters["my layers"] is a list, but AWS takes a string there: write it as JSON inside a string.',
    ],
    [{ HyperParameters: { a: null } }, 'HyperParameters.a is null, but AWS takes a string there.'],
    [
      resources({ InstanceCount: '1' }),
      'ResourceConfig.InstanceCount is the string "1", but AWS takes a whole number there: write 1 without quotes.',
    ],
    [
      resources({ VolumeSizeInGB: 1.5 }),
      'ResourceConfig.VolumeSizeInGB is the number 1.5, but AWS takes a whole number there.',
    ],
    [
      resources({ VolumeSizeInGB: 2 ** 31 }),
      "ResourceConfig.VolumeSizeInGB is 2147483648, which is too large for AWS's type integer.",
    ],
    [
      { EnableNetworkIsolation: 'true' },
      'EnableNetworkIsolation is the string "true", but AWS takes a boolean there: write true without quotes.',
    ],
    [{ InputDataConfig: channel() }, 'InputDataConfig is an object, but AWS takes a list there.'],
    [{ InputDataConfig: [null] }, 'InputDataConfig[0] is null, but AWS takes an object there.'],
    [
      { OutputDataConfig: 's3://b' },
      'OutputDataConfig is the string "s3://b", but AWS takes an object there.',
    ],
    [
      algorithm({ ContainerEntrypoint: 'python train.py' }),
      'AlgorithmSpecification.ContainerEntrypoint is the string "python train.py", but AWS takes a list there.',
    ],
    [
      algorithm({ ContainerArguments: ['--epochs', 5] }),
      'AlgorithmSpecification.ContainerArguments[1] is the number 5, but AWS takes a string there: put it in quotes, "5".',
    ],
    [{ Foo: 1 }, 'Foo is not a member of CreateTrainingJob on AWS: take it out, or look up the right name.'],
    [
      { hyper_parameters: {} },
      'hyper_parameters is not a member of CreateTrainingJob on AWS: did you mean HyperParameters?',
    ],
    [
      { InputDataConfig: [channel({ Inputmode: 'File' })] },
      'InputDataConfig[0].Inputmode is not a member of Channel on AWS: did you mean InputMode?',
    ],
    [
      { InstanceType: 'ml.m5.large' },
      'InstanceType is not a member of CreateTrainingJob on AWS: it belongs at ResourceConfig.InstanceType.',
    ],
    [
      { toString: 'x' },
      'toString is not a member of CreateTrainingJob on AWS: take it out, or look up the right name.',
    ],
    [
      { ['__proto__']: 'x' },
      '__proto__ is not a member of CreateTrainingJob on AWS: take it out, or look up the right name.',
    ],
  ])('%j', (changes, message) => {
    expect(messageFor(changes)).toBe(message);
  });

  test('a request that is no object', () => {
    expect(() => parseTrainingJob(null as never, SETTINGS)).toThrow(
      expect.objectContaining({ message: 'The request is null, but AWS takes an object there.' }),
    );
  });

  test("AWS's words come first, ours after them", () => {
    expect(messageFor({ TrainingJobName: undefined, trainingJobName: 'a' })).toBe(
      `${one('null', 'trainingJobName', NOT_NULL)}. ` +
        'trainingJobName is not a member of CreateTrainingJob on AWS: did you mean TrainingJobName?',
    );
  });

  test('a message has an end', () => {
    const members = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`member${index}`, 1]));
    const message = messageFor(members);
    expect(message).toMatch(/And 4980 more of this kind\.$/);
    expect(message.length).toBeLessThan(5000);
  });
});
