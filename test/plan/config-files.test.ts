/** The files of `/opt/ml/input/config`, against those of real jobs (contract §1.3). */
import { expect, test } from 'vitest';
import { capture, channel, configFile, hostOf } from './plans.js';

test('hyperparameters.json is that of a real job, byte for byte', () => {
  const text = capture('single-hyperparameters.json');
  expect(configFile({ HyperParameters: JSON.parse(text) as unknown }, 'hyperparameters.json')).toBe(text);
});

test('checkpointconfig.json is that of a real job, byte for byte, and is there with CheckpointConfig only', () => {
  const CheckpointConfig = { S3Uri: 's3://b/c', LocalPath: '/state' };
  expect(configFile({ CheckpointConfig }, 'checkpointconfig.json')).toBe(
    capture('single-checkpointconfig.json'),
  );
  expect(configFile({ CheckpointConfig: { S3Uri: 's3://b/c' } }, 'checkpointconfig.json')).toBe(
    '{"LocalPath":"/opt/ml/checkpoints"}',
  );
  expect(configFile({}, 'checkpointconfig.json')).toBeUndefined();
});

test('hyperparameters.json of a job without any has two bytes', () => {
  expect(configFile({}, 'hyperparameters.json')).toBe('{}');
});

test('hyperparameters keep quotes and signs as JSON has them, without escapes for HTML', () => {
  const HyperParameters = { code: '"a.py"', tab: 'a\tb', html: '<a>&</a>', slash: 'a/b', unicode: 'é日' };
  expect(configFile({ HyperParameters }, 'hyperparameters.json')).toBe(
    '{"code":"\\"a.py\\"","tab":"a\\tb","html":"<a>&</a>","slash":"a/b","unicode":"é日"}',
  );
});

test('inputdataconfig.json is that of a real job, byte for byte', () => {
  const data = channel({ ChannelName: 'data' }, { S3DataDistributionType: 'ShardedByS3Key' });
  expect(configFile({ InputDataConfig: [data] }, 'inputdataconfig.json')).toBe(
    capture('single-inputdataconfig.json'),
  );
});

test('inputdataconfig.json of one channel "training" has the 107 bytes of a real one', () => {
  const text = configFile(
    { InputDataConfig: [channel({ ChannelName: 'training' })] },
    'inputdataconfig.json',
  );
  expect(text).toBe(
    '{"training":{"TrainingInputMode":"File","S3DistributionType":"FullyReplicated","RecordWrapperType":"None"}}',
  );
  expect(text).toHaveLength(107);
});

test('in inputdataconfig.json ContentType comes first, where it was given, and the S3 URI never', () => {
  const InputDataConfig = [
    channel({ ChannelName: 'model', ContentType: 'application/x-sagemaker-model' }),
    channel({ ChannelName: 'plain', InputMode: 'File', RecordWrapperType: 'RecordIO' }),
  ];
  expect(configFile({ InputDataConfig }, 'inputdataconfig.json')).toBe(
    '{"model":{"ContentType":"application/x-sagemaker-model","TrainingInputMode":"File",' +
      '"S3DistributionType":"FullyReplicated","RecordWrapperType":"None"},' +
      '"plain":{"TrainingInputMode":"File","S3DistributionType":"FullyReplicated","RecordWrapperType":"RecordIO"}}',
  );
});

test('inputdataconfig.json of a job without channels is an empty object', () => {
  expect(configFile({ InputDataConfig: undefined }, 'inputdataconfig.json')).toBe('{}');
});

test('resourceconfig.json has the form since 2022, with the 280 bytes of a real ml.g4dn.12xlarge job', () => {
  const ResourceConfig = { InstanceType: 'ml.g4dn.12xlarge', InstanceCount: 1, VolumeSizeInGB: 10 };
  const text = configFile({ ResourceConfig }, 'resourceconfig.json');
  expect(text).toBe(
    '{"current_host":"algo-1","current_instance_type":"ml.g4dn.12xlarge","current_group_name":"homogeneousCluster",' +
      '"hosts":["algo-1"],"instance_groups":[{"instance_group_name":"homogeneousCluster",' +
      '"instance_type":"ml.g4dn.12xlarge","hosts":["algo-1"]}],"network_interface_name":"eth0"}',
  );
  expect(text).toHaveLength(280);
});

test('metric-definition-regex.json of a job without metrics is that of a real job', () => {
  expect(configFile({}, 'metric-definition-regex.json')).toBe(capture('single-metric-definition-regex.json'));
});

test('tensorboardoutputconfig.json is that of a real job, byte for byte', () => {
  const text = capture('single-tensorboardoutputconfig.json');
  const { S3OutputPath } = JSON.parse(text) as { S3OutputPath: string };
  const [, base = '', job = ''] = /^(.*)\/([^/]+)\/tensorboard-output$/.exec(S3OutputPath) ?? [];
  const members = { TrainingJobName: job, TensorBoardOutputConfig: { S3OutputPath: base } };
  expect(configFile(members, 'tensorboardoutputconfig.json')).toBe(text);
});

test('tensorboardoutputconfig.json names the folder as the request does', () => {
  const members = { TensorBoardOutputConfig: { S3OutputPath: 's3://b/tb', LocalPath: '/logs//tb/' } };
  expect(configFile(members, 'tensorboardoutputconfig.json')).toBe(
    '{"S3OutputPath":"s3://b/tb/Digits-1/tensorboard-output","LocalPath":"/logs//tb/"}',
  );
});

test('debughookconfig.json holds nulls for what was not given, and the default folder', () => {
  expect(configFile({ DebugHookConfig: { S3OutputPath: 's3://b/debug/' } }, 'debughookconfig.json')).toBe(
    '{"S3OutputPath":"s3://b/debug/Digits-1/debug-output","LocalPath":"/opt/ml/output/tensors",' +
      '"HookParameters":null,"CollectionConfigurations":null}',
  );
});

test('files of members that were not given are not there', () => {
  expect(Object.keys(hostOf({}).files).sort()).toEqual(
    ['hyperparameters', 'inputdataconfig', 'metric-definition-regex', 'resourceconfig'].map(
      name => `/opt/ml/input/config/${name}.json`,
    ),
  );
});
