/** A training job as it was asked for, checked: behind this type there is no raw S3 URI and no unchecked value. Pure. */
import { channelOf, type Channel } from './channel.js';
import { asCheckedRequest, type CheckedRequest } from './checked-request.js';
import { DEFAULT_RUNTIME, findBrokenRules } from './cross-field.js';
import type { Difference } from './differences.js';
import { examineMembers, refuseMembers } from './examine-members.js';
import { refuseFindings } from './findings.js';
import { platformOf } from './instance-type.js';
import { orNull, withoutNulls, type JobRequest } from './job-request.js';
import { DEFAULT_LOCAL_PATHS, plainPath } from './local-path.js';
import { parseS3Location, type S3Location } from './s3-location.js';
import { findViolations, isObject } from './validate.js';

export interface TrainingJob {
  readonly kind: 'training';
  /** As given, case kept. */
  readonly name: string;
  /** `arn:aws:sagemaker:REGION:ACCOUNT:training-job/<lower-case name>` (contract §0.8); `aws` is the role's partition. */
  readonly arn: string;
  readonly region: string;
  /** Twelve digits: the RoleArn's account. */
  readonly account: string;
  /** The request as given; Describe echoes from it. */
  readonly request: TrainingRequest;
  readonly image: string;
  /** `null`: the field was absent, which is not the same as empty (contract §1.1). */
  readonly entrypoint: readonly string[] | null;
  readonly arguments: readonly string[] | null;
  readonly hyperparameters: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly channels: readonly Channel[];
  readonly output: {
    readonly location: S3Location;
    readonly compression: 'GZIP' | 'NONE';
    /** `null` when absent or empty. */
    readonly kmsKeyId: string | null;
  };
  /** One group of the name `homogeneousCluster` where the request has none. */
  readonly instanceGroups: readonly InstanceGroup[];
  /** Graviton instance types run arm64, all others amd64. */
  readonly platform: 'linux/amd64' | 'linux/arm64';
  readonly networkIsolation: boolean;
  readonly maxRuntimeSeconds: number;
  /** EnableManagedSpotTraining, with its limit of run and wait together; `null` for a job on demand. */
  readonly spot: { readonly maxWaitSeconds: number } | null;
  /** How often the job may start anew after a fault of the platform. */
  readonly retryAttempts: number;
  readonly checkpoints: Checkpoints | null;
  readonly metricDefinitions: readonly { readonly name: string; readonly regex: string }[];
  readonly debugHook: ConfiguredFolder | null;
  readonly tensorBoard: ConfiguredFolder | null;
  /** What the script leaves for the profiler; `null` when it is disabled or has no S3OutputPath. */
  readonly profiler: FolderUpload | null;
  /** What will be different from SageMaker, from the member table. */
  readonly differences: readonly Difference[];
}

/** A folder of the container whose files are those below a prefix of S3 (contract §1.9). */
export interface Checkpoints {
  /** With no slash doubled or at its end. */
  readonly localPath: string;
  /** As given. */
  readonly location: S3Location;
}

/** A folder of the container that belongs to `<location>/<job>/…`. */
export interface FolderUpload {
  /** With no slash doubled or at its end. */
  readonly localPath: string;
  readonly location: S3Location;
}

/** `config` is the member as given, with AWS's LocalPath where it names none: the text that its config file repeats. */
export interface ConfiguredFolder extends FolderUpload {
  readonly config: Readonly<Record<string, unknown>>;
}

export interface InstanceGroup {
  readonly name: string;
  readonly instanceType: string;
  readonly instanceCount: number;
}

/** The JSON body of CreateTrainingJob, as AWS takes it. */
export type TrainingRequest = JobRequest;

/**
 * The job that a CreateTrainingJob request asks for. `region` and `account` are the settings'; the account of RoleArn
 * goes before `account`. A member that is `null` is absent.
 *
 * Errors, in the order in which the service looks: `REQUEST_INVALID` for limits, wrong types and unknown members, then
 * for rules between members, with AWS's own text where it is known (contract §4.3, §4.4); `REQUEST_REFUSED` with all
 * members that optml does not do.
 */
export function parseTrainingJob(
  given: TrainingRequest,
  settings: { readonly region: string; readonly account: string },
): TrainingJob {
  refuseFindings(
    findViolations({ shape: 'CreateTrainingJobRequest', request: given, alsoRequired: alsoRequired(given) }),
  );
  const request = withoutNulls(given) as TrainingRequest;
  const checked = asCheckedRequest(request);
  refuseFindings(findBrokenRules(checked));
  const { differences, refusals } = examineMembers(request);
  refuseMembers(refusals);
  return { ...jobOf(checked, settings), request, differences };
}

/** Of an ordinary job; the model stopped requiring them when serverless jobs came (contract §4.4). */
function alsoRequired(given: TrainingRequest): readonly string[] {
  const serverless = isObject(given) && isObject(given['ServerlessJobConfig']);
  return serverless ? [] : ['AlgorithmSpecification', 'ResourceConfig'];
}

function jobOf(
  request: CheckedRequest,
  settings: { readonly region: string; readonly account: string },
): Omit<TrainingJob, 'request' | 'differences'> {
  const algorithm = request.AlgorithmSpecification;
  const output = request.OutputDataConfig;
  const instanceGroups = groupsOf(request);
  // RoleArn has matched `arn:aws…:iam::<12 digits>:role…`: its second field is the partition, its fifth the account.
  const [, partition = 'aws', , , account = settings.account] = request.RoleArn.split(':');
  return {
    kind: 'training',
    name: request.TrainingJobName,
    arn: `arn:${partition}:sagemaker:${settings.region}:${account}:training-job/${request.TrainingJobName.toLowerCase()}`,
    region: settings.region,
    account,
    image: algorithm?.TrainingImage ?? '',
    entrypoint: algorithm?.ContainerEntrypoint ?? null,
    arguments: algorithm?.ContainerArguments ?? null,
    hyperparameters: request.HyperParameters ?? {},
    environment: request.Environment ?? {},
    channels: (request.InputDataConfig ?? []).flatMap((channel, index) => channelOf(channel, index, request)),
    output: {
      location: parseS3Location(output.S3OutputPath, 'OutputDataConfig.S3OutputPath'),
      compression: output.CompressionType ?? 'GZIP',
      kmsKeyId: orNull(output.KmsKeyId),
    },
    instanceGroups,
    platform: platformOf(instanceGroups.find(group => group.instanceCount > 0)?.instanceType ?? ''),
    networkIsolation: request.EnableNetworkIsolation ?? false,
    maxRuntimeSeconds: request.StoppingCondition?.MaxRuntimeInSeconds ?? DEFAULT_RUNTIME,
    spot: spotOf(request),
    retryAttempts: request.RetryStrategy?.MaximumRetryAttempts ?? 0,
    checkpoints: checkpointsOf(request),
    metricDefinitions: (algorithm?.MetricDefinitions ?? []).map(({ Name, Regex }) => ({
      name: Name,
      regex: Regex,
    })),
    debugHook: folderOf(request, 'DebugHookConfig'),
    tensorBoard: folderOf(request, 'TensorBoardOutputConfig'),
    profiler: profilerOf(request),
  };
}

/** A job with no instance groups runs as one of this name (contract §1.3). */
const DEFAULT_GROUP = 'homogeneousCluster';

function groupsOf({ ResourceConfig: given }: CheckedRequest): InstanceGroup[] {
  const groups = given?.InstanceGroups ?? [];
  if (groups.length === 0)
    return [
      {
        name: DEFAULT_GROUP,
        instanceType: given?.InstanceType ?? '',
        instanceCount: given?.InstanceCount ?? 1,
      },
    ];
  return groups.map(group => ({
    name: group.InstanceGroupName,
    instanceType: group.InstanceType,
    instanceCount: group.InstanceCount,
  }));
}

/** The rules see to it that spot has a limit, and nothing else. */
function spotOf({ EnableManagedSpotTraining, StoppingCondition }: CheckedRequest): TrainingJob['spot'] {
  if (EnableManagedSpotTraining !== true) return null;
  return { maxWaitSeconds: StoppingCondition?.MaxWaitTimeInSeconds ?? DEFAULT_RUNTIME };
}

function checkpointsOf({ CheckpointConfig: given }: CheckedRequest): Checkpoints | null {
  if (given === undefined) return null;
  return {
    localPath: plainPath(orNull(given.LocalPath) ?? DEFAULT_LOCAL_PATHS.CheckpointConfig),
    location: parseS3Location(given.S3Uri, 'CheckpointConfig.S3Uri'),
  };
}

function folderOf(
  request: CheckedRequest,
  member: 'DebugHookConfig' | 'TensorBoardOutputConfig',
): ConfiguredFolder | null {
  const given = request[member];
  if (given === undefined) return null;
  const localPath = orNull(given.LocalPath) ?? DEFAULT_LOCAL_PATHS[member];
  return {
    localPath: plainPath(localPath),
    location: parseS3Location(given.S3OutputPath, `${member}.S3OutputPath`),
    config: { ...given, LocalPath: localPath },
  };
}

function profilerOf({ ProfilerConfig: given }: CheckedRequest): FolderUpload | null {
  if (given?.S3OutputPath === undefined || given.DisableProfiler === true) return null;
  return {
    localPath: '/opt/ml/output/profiler',
    location: parseS3Location(given.S3OutputPath, 'ProfilerConfig.S3OutputPath'),
  };
}
