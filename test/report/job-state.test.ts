import { expect, test } from 'vitest';
import { describeTrainingJob } from '../../src/report/describe.js';
import type { JobCreated, JobEvent, SecondaryStatus } from '../../src/report/events.js';
import { foldEvents, hasEnded } from '../../src/report/job-state.js';

const START = Date.UTC(2025, 4, 16, 11, 10, 50, 603);

const CREATED: JobCreated = {
  kind: 'job.created',
  time: START,
  run: 'job-1-abc',
  name: 'Job-1',
  arn: 'arn:aws:sagemaker:us-east-1:123456789012:training-job/job-1',
  request: {
    TrainingJobName: 'Job-1',
    RoleArn: 'arn:aws:iam::123456789012:role/R',
    AlgorithmSpecification: { TrainingImage: 'i', TrainingInputMode: 'File' },
    InputDataConfig: [
      { ChannelName: 'train', DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://b/p' } } },
    ],
    OutputDataConfig: { S3OutputPath: 's3://b/o' },
    ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 30 },
    Tags: [{ Key: 'a', Value: 'b' }],
  },
  store: 'a store',
  modelArtifacts: 's3://b/o/Job-1/output/model.tar.gz',
  differences: [],
};

const status = (
  seconds: number,
  name: Extract<JobEvent, { kind: 'job.status' }>['status'],
  message = '',
): JobEvent => ({
  kind: 'job.status',
  time: START + seconds * 1000,
  status: name,
  message,
});

function stateOf(...events: JobEvent[]): NonNullable<ReturnType<typeof foldEvents>> {
  const state = foldEvents([CREATED, ...events]);
  if (state === undefined) throw new Error('no state');
  return state;
}

/** The times of a real job of 2025 (contract §1.12). */
const REAL = [
  status(41.636, 'Downloading', 'Downloading input data'),
  status(60, 'Downloading', 'Downloading the training image'),
  status(143.34, 'Training', 'Training image download completed. Training in progress.'),
  status(153.902, 'Uploading', 'Uploading generated training model'),
  status(166.662, 'Completed', 'Training job completed'),
];

test('one transition a status, contiguous, the message rewritten in place, the last one with no length', () => {
  const { transitions } = stateOf(...REAL);
  expect(transitions.map(one => one.status)).toEqual([
    'Starting',
    'Downloading',
    'Training',
    'Uploading',
    'Completed',
  ]);
  expect(transitions[1]).toMatchObject({ message: 'Downloading the training image', start: START + 41_636 });
  for (const [index, one] of transitions.slice(0, -1).entries())
    expect(one.end).toBe(transitions[index + 1]?.start);
  expect(transitions.at(-1)?.end).toBe(transitions.at(-1)?.start);
});

test('an open transition has no end', () => {
  const state = stateOf(...REAL.slice(0, 3));
  expect(state.transitions.at(-1)).not.toHaveProperty('end');
  expect(state.status).toBe('InProgress');
  expect(hasEnded(state)).toBe(false);
});

test('the training time is the rounded time from Downloading to the end, as in the record of a real job', () => {
  const response = describeTrainingJob(stateOf(...REAL));
  expect(response).toMatchObject({
    TrainingTimeInSeconds: 125,
    BillableTimeInSeconds: 125,
    CreationTime: START / 1000,
  });
});

test('of an interrupted job the time without instances is in the training time, and not billed', () => {
  const at = (seconds: number, status: SecondaryStatus): JobEvent => ({
    kind: 'job.status',
    time: START + seconds * 1000,
    status,
    message: status,
  });
  const handle = { host: 'algo-1', container: 'c', volumes: [] };
  const state = stateOf(
    at(10, 'Downloading'),
    at(20, 'Training'),
    { kind: 'host.placed', time: START + 20_000, handle },
    at(50, 'Interrupted'),
    { kind: 'hosts.removed', time: START + 54_000 },
    at(55, 'Starting'),
    at(90, 'Downloading'),
    at(91, 'Training'),
    at(130, 'Uploading'),
    at(140, 'Completed'),
  );
  expect(describeTrainingJob(state)).toMatchObject({
    TrainingStartTime: (START + 10_000) / 1000,
    TrainingEndTime: (START + 140_000) / 1000,
    TrainingTimeInSeconds: 130,
    BillableTimeInSeconds: 90,
  });
  expect(state.transitions.map(one => one.status)).toEqual([
    ...['Starting', 'Downloading', 'Training', 'Interrupted'],
    ...['Starting', 'Downloading', 'Training', 'Uploading', 'Completed'],
  ]);
  expect(state.placed).toEqual([]);
});

test('what is not known before the end is absent', () => {
  const response = describeTrainingJob(stateOf(...REAL.slice(0, 3)));
  for (const member of [
    'ModelArtifacts',
    'TrainingEndTime',
    'TrainingTimeInSeconds',
    'FailureReason',
    'FinalMetricDataList',
  ])
    expect(response).not.toHaveProperty(member);
  expect(response).toHaveProperty('TrainingStartTime', (START + 41_636) / 1000);
});

test('Describe fills in what the service fills in, and gives no tags', () => {
  const response = describeTrainingJob(stateOf(...REAL));
  expect(response).toMatchObject({
    InputDataConfig: [
      {
        CompressionType: 'None',
        RecordWrapperType: 'None',
        DataSource: { S3DataSource: { S3DataDistributionType: 'FullyReplicated' } },
      },
    ],
    OutputDataConfig: { KmsKeyId: '', S3OutputPath: 's3://b/o', CompressionType: 'GZIP' },
    StoppingCondition: { MaxRuntimeInSeconds: 86_400 },
    AlgorithmSpecification: { EnableSageMakerMetricsTimeSeries: false },
    EnableNetworkIsolation: false,
    EnableInterContainerTrafficEncryption: false,
    EnableManagedSpotTraining: false,
    HyperParameters: {},
    ProfilingStatus: 'Disabled',
    ModelArtifacts: { S3ModelArtifacts: 's3://b/o/Job-1/output/model.tar.gz' },
  });
  expect(response).not.toHaveProperty('Tags');
});

test.each([
  [{ S3OutputPath: 's3://b' }, { ProfilingIntervalInMilliseconds: 500, DisableProfiler: false }],
  [
    { ProfilingIntervalInMilliseconds: 100, DisableProfiler: true },
    { ProfilingIntervalInMilliseconds: 100, DisableProfiler: true },
  ],
])('Describe fills in what a ProfilerConfig %j leaves out', (ProfilerConfig, filled) => {
  const created = { ...CREATED, request: { ...CREATED.request, ProfilerConfig } };
  const state = foldEvents([created]);
  if (state === undefined) throw new Error('no state');
  expect(describeTrainingJob(state)['ProfilerConfig']).toEqual({ ...ProfilerConfig, ...filled });
  expect(describeTrainingJob(stateOf())).not.toHaveProperty('ProfilerConfig');
});

test('the first reason stays, and nothing changes a job that has ended', () => {
  const state = stateOf(
    { kind: 'job.failed', time: START + 1, reason: 'the first' },
    { kind: 'job.failed', time: START + 2, reason: 'the second' },
    status(3, 'Failed'),
    status(4, 'Completed'),
  );
  expect(state.failureReason).toBe('the first');
  expect(state.secondaryStatus).toBe('Failed');
});

test('a stop shows as Stopping while outputs are uploaded, and MaxRuntimeExceeded ends as Stopped', () => {
  expect(stateOf(status(1, 'Downloading'), status(2, 'Stopping'), status(3, 'Uploading')).status).toBe(
    'Stopping',
  );
  expect(stateOf(status(1, 'MaxRuntimeExceeded'))).toMatchObject({
    status: 'Stopped',
    secondaryStatus: 'MaxRuntimeExceeded',
  });
});

test('metrics are 32-bit floats at whole seconds', () => {
  const state = stateOf(
    {
      kind: 'metrics.final',
      time: START,
      values: [{ name: 'rmse', value: Math.fround(1.198776), time: START + 900 }],
    },
    ...REAL,
  );
  expect(describeTrainingJob(state)).toMatchObject({
    FinalMetricDataList: [
      { MetricName: 'rmse', Value: 1.1987760066986084, Timestamp: Math.floor((START + 900) / 1000) },
    ],
  });
});
