/** The rest of a plan: command, folders, mounts, uploads, limits (contract §1.1, §1.2, §1.8, §1.11). */
import { expect, test } from 'vitest';
import { algorithm } from '../job/requests.js';
import { capture, hostOf, planOf, printedPlan } from './plans.js';

test.each([
  ['neither', {}, null, ['train']],
  ['arguments', { ContainerArguments: ['a'] }, null, ['a']],
  ['entrypoint', { ContainerEntrypoint: ['e', 'f'] }, ['e', 'f'], []],
  ['both', { ContainerEntrypoint: ['e'], ContainerArguments: ['a'] }, ['e'], ['a']],
])('the command of a request with %s', (_, members, entrypoint, command) => {
  expect(hostOf(algorithm(members)).container).toMatchObject({ entrypoint, command });
});

test('every mount is a part of /opt/ml, only the config folder cannot be written, and none hides /opt/ml/code', () => {
  expect(hostOf({}).mounts).toEqual([
    { path: '/opt/ml/errors', writable: true },
    { path: '/opt/ml/input', writable: true },
    { path: '/opt/ml/model', writable: true },
    { path: '/opt/ml/output', writable: true },
    { path: '/opt/ml/input/config', writable: false },
  ]);
});

test('a folder of TensorBoard outside the platform tree is made and mounted', () => {
  const host = hostOf({ TensorBoardOutputConfig: { S3OutputPath: 's3://b/tb', LocalPath: '//logs//tb/' } });
  expect(host.folders).toContain('/logs/tb');
  expect(host.mounts).toContainEqual({ path: '/logs/tb', writable: true });
});

test('outputs go below the output path and the name of the job, whose case is kept', () => {
  const { uploads } = printedPlan({ OutputDataConfig: { S3OutputPath: 's3://models/out' } }, {});
  expect(uploads).toEqual([
    {
      from: '/opt/ml/model',
      hosts: ['algo-1'],
      to: 's3://models/out/Digits-1/output/model.tar.gz',
      when: 'end',
    },
    {
      from: '/opt/ml/output/data',
      hosts: ['algo-1'],
      to: 's3://models/out/Digits-1/output/output.tar.gz',
      when: 'end',
    },
  ]);
});

test.each([
  ['s3://models', 's3://models/Digits-1/output/model.tar.gz'],
  ['s3://models/', 's3://models/Digits-1/output/model.tar.gz'],
  ['s3://models/out/', 's3://models/out/Digits-1/output/model.tar.gz'],
])('a slash at the end of the output path %s is not doubled', (S3OutputPath, to) => {
  expect(printedPlan({ OutputDataConfig: { S3OutputPath } }, {}).uploads[0]?.to).toBe(to);
});

test('uncompressed, and of debugger, TensorBoard and profiler, the files of a folder become objects of their own', () => {
  const { uploads } = printedPlan(
    {
      OutputDataConfig: { S3OutputPath: 's3://models/out', CompressionType: 'NONE' },
      DebugHookConfig: { S3OutputPath: 's3://b/debug' },
      TensorBoardOutputConfig: { S3OutputPath: 's3://b/tb/' },
      ProfilerConfig: { S3OutputPath: 's3://b' },
    },
    {},
  );
  expect(uploads.map(({ from, to }) => [from, to])).toEqual([
    ['/opt/ml/model', 's3://models/out/Digits-1/output/model'],
    ['/opt/ml/output/data', 's3://models/out/Digits-1/output/data'],
    ['/opt/ml/output/tensors', 's3://b/debug/Digits-1/debug-output'],
    ['/opt/ml/output/tensorboard', 's3://b/tb/Digits-1/tensorboard-output'],
    ['/opt/ml/output/profiler', 's3://b/Digits-1/profiler-output'],
  ]);
});

test('what may be read while a job runs is uploaded while it runs; model and output when it has ended', () => {
  const { uploads } = printedPlan(
    {
      DebugHookConfig: { S3OutputPath: 's3://b' },
      TensorBoardOutputConfig: { S3OutputPath: 's3://b' },
      ProfilerConfig: { S3OutputPath: 's3://b' },
    },
    {},
  );
  expect(uploads.map(({ when }) => when)).toEqual([
    ...['end', 'end'],
    ...['continuous', 'continuous', 'continuous'],
  ]);
});

test.each([
  ['s3://mine/x', 's3://mine/x/Digits-1/output/intermediate'],
  ['"s3://mine/x/"', 's3://mine/x/Digits-1/output/intermediate'],
])('intermediate results go where the hyperparameter sagemaker_s3_output says: %s', (value, to) => {
  const { uploads, hosts } = printedPlan({ HyperParameters: { sagemaker_s3_output: value } }, {});
  expect(uploads.find(({ from }) => from === '/opt/ml/output/intermediate')).toMatchObject({
    to,
    when: 'continuous',
  });
  expect(hosts[0]?.mounts.map(({ path }) => path)).not.toContain('/opt/ml/output/intermediate');
});

test.each([{}, { sagemaker_s3_output: 'file:///tmp/x' }, { sagemaker_s3_output: 's3://.no/x' }])(
  'there is no upload of intermediate results with the hyperparameters %j',
  HyperParameters => {
    expect(planOf({ HyperParameters }).uploads.map(one => one.from)).toEqual([
      '/opt/ml/model',
      '/opt/ml/output/data',
    ]);
  },
);

test.each([
  ['has no S3OutputPath', { ProfilingIntervalInMilliseconds: 100 }],
  ['is disabled', { S3OutputPath: 's3://b', DisableProfiler: true }],
])('nothing of a profiler that %s is uploaded', (_, ProfilerConfig) => {
  expect(planOf({ ProfilerConfig }).uploads.map(one => one.from)).toEqual([
    '/opt/ml/model',
    '/opt/ml/output/data',
  ]);
});

test('a job runs for a day at most where it says nothing else, and has 120 s to stop', () => {
  expect(planOf({ StoppingCondition: {} }).limits).toEqual({
    maxRuntimeSeconds: 86_400,
    stopGraceSeconds: 120,
  });
  expect(planOf({ StoppingCondition: { MaxRuntimeInSeconds: 60 } }).limits.maxRuntimeSeconds).toBe(60);
});

test('the same request gives the same bytes', () => {
  const members = { HyperParameters: { b: '1', a: '2' }, Environment: { Z: '1', A: '2' } };
  expect(JSON.stringify(planOf(members))).toBe(JSON.stringify(planOf(members)));
});

test.each([
  [1, false, 'default'],
  [1, true, 'none'],
  [2, false, 'peers'],
  [2, true, 'peers-only'],
] as const)('%d hosts, isolated %s: the network is %s', (InstanceCount, EnableNetworkIsolation, kind) => {
  const ResourceConfig = { InstanceType: 'ml.m5.large', InstanceCount, VolumeSizeInGB: 10 };
  const { network, uploads } = printedPlan({ ResourceConfig, EnableNetworkIsolation }, { train: [] });
  const hosts = ['algo-1', 'algo-2'].slice(0, InstanceCount);
  expect(network).toEqual({ kind, hosts });
  expect(uploads.map(upload => upload.hosts)).toEqual([hosts, ['algo-1']]);
});

test('checkpoints are a mount, an upload of all hosts while they run, and a channel whose manifest is that of a real job', () => {
  const prefix = 'tests/simple-sagemaker-example_2020-10-04-09-16-51_py37/Task1/state';
  const members = {
    CheckpointConfig: { S3Uri: `s3://b/${prefix}`, LocalPath: '/state/' },
    ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 2, VolumeSizeInGB: 1 },
  };
  const { hosts, uploads } = printedPlan(members, {
    checkpoints: [{ key: `${prefix}/algo-1/step`, size: 3 }],
  });
  expect(uploads.at(-1)).toEqual({
    from: '/state',
    hosts: ['algo-1', 'algo-2'],
    to: `s3://b/${prefix}`,
    when: 'continuous',
  });
  for (const host of hosts) {
    expect(host.mounts).toContainEqual({ path: '/state', writable: true });
    expect(host.channels.at(-1)).toEqual({
      name: 'checkpoints',
      mode: 'File',
      share: { index: 0, of: 1 },
      objects: [{ uri: `s3://b/${prefix}/algo-1/step`, path: '/state/algo-1/step', bytes: 3 }],
    });
  }
  const empty = printedPlan(members, {}).hosts[0]?.files['/opt/ml/input/data/checkpoints-manifest'];
  expect(empty).toBe(capture('single-checkpoints-manifest'));
});
