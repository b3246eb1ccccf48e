/** A processing job as it was asked for, checked: behind this type there is no raw S3 URI and no unchecked value. Pure. */
import { datasetInput } from './dataset-input.js';
import type { Difference } from './differences.js';
import { examineMembers, refuseMembers } from './examine-members.js';
import { refuseFindings } from './findings.js';
import { platformOf } from './instance-type.js';
import { withoutNulls, type JobRequest } from './job-request.js';
import { plainPath } from './local-path.js';
import { PROCESSING_MEMBER_TABLE } from './processing-member-table.js';
import {
  asProcessingRequest,
  type CheckedProcessingRequest,
  type ProcessingInputRequest,
  type ProcessingOutputRequest,
} from './processing-request.js';
import { findBrokenProcessingRules } from './processing-rules.js';
import { parseS3Location, type S3Location } from './s3-location.js';
import type { S3Channel } from './channel.js';
import type { InstanceGroup } from './training-job.js';
import { findViolations } from './validate.js';

export interface ProcessingJob {
  readonly kind: 'processing';
  /** As given, case kept. */
  readonly name: string;
  /** `arn:aws:sagemaker:REGION:ACCOUNT:processing-job/<lower-case name>`; `aws` is the role's partition. */
  readonly arn: string;
  readonly region: string;
  /** Twelve digits: the RoleArn's account. */
  readonly account: string;
  /** The request as given; config file and Describe echo from it. */
  readonly request: JobRequest;
  readonly image: string;
  /** `null`: the field was absent. */
  readonly entrypoint: readonly string[] | null;
  readonly arguments: readonly string[] | null;
  readonly environment: Readonly<Record<string, string>>;
  /** The inputs that the platform brings, in the request's order. */
  readonly channels: readonly ProcessingInput[];
  /** The outputs that the platform takes, in the request's order. */
  readonly outputs: readonly ProcessingOutput[];
  /** One group: processing jobs have no others. */
  readonly instanceGroups: readonly InstanceGroup[];
  readonly platform: 'linux/amd64' | 'linux/arm64';
  readonly networkIsolation: boolean;
  readonly maxRuntimeSeconds: number;
  readonly metricDefinitions: readonly never[];
  /** What will be different from SageMaker, from the member table. */
  readonly differences: readonly Difference[];
}

/** What a channel is to training jobs, at a place of its own. */
export interface ProcessingInput extends S3Channel {
  /** It is the result of a query, for which a folder must stand. */
  readonly dataset: boolean;
  /** With no slash doubled or at its end. */
  readonly localPath: string;
}

export interface ProcessingOutput {
  readonly name: string;
  /** With no slash doubled or at its end. */
  readonly localPath: string;
  readonly location: S3Location;
  readonly uploadMode: 'EndOfJob' | 'Continuous';
  readonly kmsKeyId: string | null;
}

/** One day (contract §2.8). */
export const DEFAULT_PROCESSING_RUNTIME = 86_400;

/**
 * The job that a CreateProcessingJob request asks for. `region` and `account` are the settings'; the account of RoleArn
 * goes before `account`. A member that is `null` is absent.
 *
 * Errors, in the order in which the service looks: `REQUEST_INVALID` for limits, wrong types and unknown members, then
 * for rules between members (contract §2.6, §4.3); `REQUEST_REFUSED` with all members that optml does not do.
 */
export function parseProcessingJob(
  given: JobRequest,
  settings: { readonly region: string; readonly account: string },
): ProcessingJob {
  refuseFindings(findViolations({ shape: 'CreateProcessingJobRequest', request: given }));
  const request = withoutNulls(given) as JobRequest;
  const checked = asProcessingRequest(request);
  refuseFindings(findBrokenProcessingRules(checked));
  const { differences, refusals } = examineMembers(request, PROCESSING_MEMBER_TABLE);
  refuseMembers(refusals);
  return { ...jobOf(checked, settings), request, differences };
}

function jobOf(
  request: CheckedProcessingRequest,
  settings: { readonly region: string; readonly account: string },
): Omit<ProcessingJob, 'request' | 'differences'> {
  const { AppSpecification: app, ProcessingOutputConfig: outputs } = request;
  const { InstanceType: instanceType, InstanceCount: instanceCount } =
    request.ProcessingResources.ClusterConfig;
  // RoleArn has matched `arn:aws…:iam::<12 digits>:role…`: its second field is the partition, its fifth the account.
  const [, partition = 'aws', , , account = settings.account] = request.RoleArn.split(':');
  const name = request.ProcessingJobName;
  return {
    kind: 'processing',
    name,
    arn: `arn:${partition}:sagemaker:${settings.region}:${account}:processing-job/${name.toLowerCase()}`,
    region: settings.region,
    account,
    image: app.ImageUri,
    entrypoint: app.ContainerEntrypoint ?? null,
    arguments: app.ContainerArguments ?? null,
    environment: request.Environment ?? {},
    channels: (request.ProcessingInputs ?? []).flatMap(inputOf),
    outputs: (outputs?.Outputs ?? []).flatMap((output, index) =>
      outputOf(output, index, outputs?.KmsKeyId ?? ''),
    ),
    instanceGroups: [{ name: '', instanceType, instanceCount }],
    platform: platformOf(instanceType),
    networkIsolation: request.NetworkConfig?.EnableNetworkIsolation ?? false,
    maxRuntimeSeconds: request.StoppingCondition?.MaxRuntimeInSeconds ?? DEFAULT_PROCESSING_RUNTIME,
    metricDefinitions: [],
  };
}

/** With AppManaged the platform does nothing (contract §2.6). */
function inputOf(
  { InputName, AppManaged, S3Input, DatasetDefinition }: ProcessingInputRequest,
  index: number,
): ProcessingInput[] {
  if (AppManaged === true) return [];
  if (DatasetDefinition !== undefined)
    return [datasetInput(InputName, DatasetDefinition, index) ?? []].flat();
  if (S3Input === undefined) return [];
  return [
    {
      name: InputName,
      dataset: false,
      localPath: plainPath(S3Input.LocalPath ?? ''),
      contentType: null,
      inputMode: S3Input.S3InputMode ?? 'File',
      recordWrapper: 'None',
      compression: S3Input.S3CompressionType ?? 'None',
      shuffleSeed: null,
      distribution: S3Input.S3DataDistributionType ?? 'FullyReplicated',
      instanceGroups: [],
      dataType: S3Input.S3DataType,
      location: parseS3Location(S3Input.S3Uri, `ProcessingInputs[${index}].S3Input.S3Uri`),
      attributeNames: [],
      fileSystem: null,
    },
  ];
}

function outputOf(
  { OutputName, AppManaged, S3Output }: ProcessingOutputRequest,
  index: number,
  kmsKeyId: string,
): ProcessingOutput[] {
  if (S3Output === undefined || AppManaged === true) return [];
  return [
    {
      name: OutputName,
      localPath: plainPath(S3Output.LocalPath ?? ''),
      location: parseS3Location(S3Output.S3Uri, `ProcessingOutputConfig.Outputs[${index}].S3Output.S3Uri`),
      uploadMode: S3Output.S3UploadMode,
      kmsKeyId: kmsKeyId === '' ? null : kmsKeyId,
    },
  ];
}
