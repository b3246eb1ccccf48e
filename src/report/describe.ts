/** The DescribeTrainingJob response of a state, times as on the wire: epoch seconds (contract §1.13, §4.1). Pure. */
import type { TrainingRequest } from '../job/training-job.js';
import type { JobState } from './job-state.js';
import { hasEnded } from './job-state.js';

export type DescribeTrainingJobResponse = Readonly<Record<string, unknown>> & {
  readonly TrainingJobName: string;
  readonly TrainingJobArn: string;
  readonly TrainingJobStatus: JobState['status'];
  readonly SecondaryStatus: JobState['secondaryStatus'];
  readonly CreationTime: number;
  readonly FailureReason?: string;
};

export function describeTrainingJob(state: JobState): DescribeTrainingJobResponse {
  const { created } = state;
  const request = created.request;
  return {
    TrainingJobName: created.name,
    TrainingJobArn: created.arn,
    ...modelArtifacts(state),
    TrainingJobStatus: state.status,
    SecondaryStatus: state.secondaryStatus,
    ...(state.failureReason === undefined || state.status !== 'Failed'
      ? {}
      : { FailureReason: state.failureReason }),
    HyperParameters: request['HyperParameters'] ?? {},
    AlgorithmSpecification: {
      EnableSageMakerMetricsTimeSeries: false,
      ...record(request['AlgorithmSpecification']),
    },
    RoleArn: request['RoleArn'],
    InputDataConfig: channels(request),
    OutputDataConfig: { KmsKeyId: '', CompressionType: 'GZIP', ...record(request['OutputDataConfig']) },
    ResourceConfig: request['ResourceConfig'],
    StoppingCondition: { MaxRuntimeInSeconds: 86_400, ...record(request['StoppingCondition']) },
    CreationTime: seconds(created.time),
    LastModifiedTime: seconds(state.lastModified),
    ...times(state),
    SecondaryStatusTransitions: state.transitions.map(one => ({
      Status: one.status,
      StartTime: seconds(one.start),
      ...(one.end === undefined ? {} : { EndTime: seconds(one.end) }),
      StatusMessage: one.message,
    })),
    ...(state.metrics.length === 0 ? {} : { FinalMetricDataList: finalMetrics(state) }),
    EnableNetworkIsolation: request['EnableNetworkIsolation'] ?? false,
    EnableInterContainerTrafficEncryption: request['EnableInterContainerTrafficEncryption'] ?? false,
    EnableManagedSpotTraining: request['EnableManagedSpotTraining'] ?? false,
    // The profiler does not run here, whatever is asked: the member table lists it.
    ProfilingStatus: 'Disabled',
    ...echo(request, ECHOED),
    ...profilerConfig(request),
  };
}

/** Members that come back only when they were given. Tags are not returned (contract §1.13). */
const ECHOED = [
  'VpcConfig',
  'CheckpointConfig',
  'DebugHookConfig',
  'DebugRuleConfigurations',
  'TensorBoardOutputConfig',
  'ExperimentConfig',
  'ProfilerRuleConfigurations',
  'Environment',
  'RetryStrategy',
  'RemoteDebugConfig',
  'InfraCheckConfig',
];

/** A completed job names the URI even where an empty folder gave no object (contract §1.8); others only what was uploaded. */
function modelArtifacts({ created, status, uploaded }: JobState): object {
  const known = status === 'Completed' || uploaded.some(one => one.to === created.modelArtifacts);
  return known ? { ModelArtifacts: { S3ModelArtifacts: created.modelArtifacts } } : {};
}

/** Whole seconds (contract §1.15). */
function finalMetrics({ metrics }: JobState): object[] {
  return metrics.map(({ name, value, time }) => ({
    MetricName: name,
    Value: value,
    Timestamp: Math.floor(time / 1000),
  }));
}

function times(state: JobState): object {
  const { transitions } = state;
  const start = transitions.find(one => one.status === 'Downloading')?.start;
  const end = hasEnded(state) ? transitions.at(-1)?.start : undefined;
  const known = start !== undefined && end !== undefined;
  return {
    ...(start === undefined ? {} : { TrainingStartTime: seconds(start) }),
    ...(end === undefined ? {} : { TrainingEndTime: seconds(end) }),
    ...(known ? { TrainingTimeInSeconds: wholeSeconds(end - start) } : {}),
    ...(known ? { BillableTimeInSeconds: wholeSeconds(timeOnInstances(state)) } : {}),
  };
}

/** What passes between an interruption and the restart is not billed. */
function timeOnInstances({ transitions }: JobState): number {
  let sum = 0;
  let since: number | null = null;
  for (const { status, start } of transitions) {
    const hasNone = status === 'Interrupted' || status === 'Starting';
    if (since !== null) sum += start - since;
    if (hasNone) since = null;
    else if (since !== null || status === 'Downloading') since = start;
  }
  return sum;
}

/** The model's minimum is 1. */
function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.round(milliseconds / 1000));
}

function channels(request: TrainingRequest): unknown[] {
  const given = request['InputDataConfig'];
  if (!Array.isArray(given)) return [];
  return given.map((channel: unknown) => {
    const { DataSource, ...rest } = record(channel);
    const { S3DataSource, ...others } = record(DataSource);
    const source =
      S3DataSource === undefined
        ? others
        : { ...others, S3DataSource: { S3DataDistributionType: 'FullyReplicated', ...record(S3DataSource) } };
    return { CompressionType: 'None', RecordWrapperType: 'None', ...rest, DataSource: source };
  });
}

function profilerConfig({ ProfilerConfig: given }: TrainingRequest): object {
  if (given === undefined) return {};
  return {
    ProfilerConfig: { ProfilingIntervalInMilliseconds: 500, DisableProfiler: false, ...record(given) },
  };
}

function echo(request: TrainingRequest, members: readonly string[]): object {
  return Object.fromEntries(
    members.filter(name => request[name] !== undefined).map(name => [name, request[name]]),
  );
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}
