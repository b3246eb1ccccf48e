/**
 * The files of `/opt/ml/config`, byte for byte: compact JSON without a newline at the end, with the escapes and the sorted
 * maps of Go's encoder (contract §2.3, §2.4; captures of 2020). Pure.
 */
import { DEFAULT_PROCESSING_RUNTIME, type ProcessingJob } from '../job/processing-job.js';
import { asProcessingRequest, type CheckedProcessingRequest } from '../job/processing-request.js';
import type { Host } from './hosts.js';

export function processingConfigFiles({
  job,
  currentHost,
  hosts,
}: {
  readonly job: ProcessingJob;
  readonly currentHost: Host;
  readonly hosts: readonly Host[];
}): Record<string, string> {
  return {
    '/opt/ml/config/processingjobconfig.json': asGoWrites(jobConfig(job)),
    '/opt/ml/config/resourceconfig.json': asGoWrites({
      current_host: currentHost.name,
      hosts: hosts.map(host => host.name),
    }),
  };
}

/** Go escapes what HTML could take for its own, and the two line ends that JavaScript once could not bear in strings. */
function asGoWrites(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function jobConfig(job: ProcessingJob): object {
  const request = asProcessingRequest(job.request);
  const { AppSpecification: app, ProcessingOutputConfig: outputs } = request;
  const { ClusterConfig: cluster } = request.ProcessingResources;
  return {
    ProcessingJobArn: job.arn,
    ProcessingJobName: job.name,
    ...(request.Environment === undefined ? {} : { Environment: sorted(request.Environment) }),
    AppSpecification: {
      ImageUri: app.ImageUri,
      ContainerEntrypoint: app.ContainerEntrypoint ?? null,
      ContainerArguments: app.ContainerArguments ?? null,
    },
    ProcessingInputs: (request.ProcessingInputs ?? []).map(inputConfig),
    ProcessingOutputConfig: {
      Outputs: (outputs?.Outputs ?? []).map(outputConfig),
      KmsKeyId: outputs?.KmsKeyId ?? null,
    },
    ProcessingResources: {
      ClusterConfig: {
        InstanceCount: cluster.InstanceCount,
        InstanceType: cluster.InstanceType,
        VolumeSizeInGB: cluster.VolumeSizeInGB,
        VolumeKmsKeyId: cluster.VolumeKmsKeyId ?? null,
      },
    },
    RoleArn: request.RoleArn,
    StoppingCondition: {
      MaxRuntimeInSeconds: request.StoppingCondition?.MaxRuntimeInSeconds ?? DEFAULT_PROCESSING_RUNTIME,
    },
    // Their position is UNCONFIRMED.
    ...given(job.request, 'NetworkConfig'),
    ...given(job.request, 'ExperimentConfig'),
  };
}

/** The form since 2022, with AppManaged and DatasetDefinition. S3DownloadMode is a field that the public API has not. */
function inputConfig({
  InputName,
  AppManaged,
  S3Input,
  DatasetDefinition,
}: NonNullable<CheckedProcessingRequest['ProcessingInputs']>[number]): object {
  return {
    InputName,
    AppManaged: AppManaged ?? false,
    S3Input:
      S3Input === undefined
        ? null
        : {
            LocalPath: S3Input.LocalPath ?? null,
            S3Uri: S3Input.S3Uri,
            S3DataDistributionType: S3Input.S3DataDistributionType ?? 'FullyReplicated',
            S3DataType: S3Input.S3DataType,
            S3InputMode: S3Input.S3InputMode ?? null,
            S3CompressionType: S3Input.S3CompressionType ?? 'None',
            S3DownloadMode: 'StartOfJob',
          },
    // As it was asked for (UNCONFIRMED).
    DatasetDefinition: DatasetDefinition ?? null,
  };
}

/** As captured; whether outputs have got more members since is not known (UNCONFIRMED), unless one is asked for. */
function outputConfig({
  OutputName,
  AppManaged,
  S3Output,
}: NonNullable<CheckedProcessingRequest['ProcessingOutputConfig']>['Outputs'][number]): object {
  return {
    OutputName,
    ...(AppManaged === true ? { AppManaged } : {}),
    S3Output:
      S3Output === undefined
        ? null
        : {
            LocalPath: S3Output.LocalPath ?? null,
            S3Uri: S3Output.S3Uri,
            S3UploadMode: S3Output.S3UploadMode,
          },
  };
}

function sorted(map: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function given(request: ProcessingJob['request'], member: string): object {
  return request[member] === undefined ? {} : { [member]: request[member] };
}
