/**
 * The members of CreateTrainingJobRequest that the rules and the job read, typed. A request may be taken for this once
 * the walk over the shape table has found nothing wrong and members that are `null` have been left out.
 */
import type { TrainingRequest } from './training-job.js';

export type InputMode = 'File' | 'Pipe' | 'FastFile';

export interface CheckedRequest {
  readonly TrainingJobName: string;
  readonly RoleArn: string;
  readonly AlgorithmSpecification?: AlgorithmSpecification;
  readonly HyperParameters?: Readonly<Record<string, string>>;
  readonly Environment?: Readonly<Record<string, string>>;
  readonly InputDataConfig?: readonly ChannelRequest[];
  readonly OutputDataConfig: {
    readonly S3OutputPath: string;
    readonly KmsKeyId?: string;
    readonly CompressionType?: 'GZIP' | 'NONE';
  };
  readonly ResourceConfig?: ResourceRequest;
  readonly VpcConfig?: object;
  readonly StoppingCondition?: {
    readonly MaxRuntimeInSeconds?: number;
    readonly MaxWaitTimeInSeconds?: number;
  };
  readonly RetryStrategy?: { readonly MaximumRetryAttempts: number };
  readonly Tags?: readonly { readonly Key: string }[];
  readonly EnableNetworkIsolation?: boolean;
  readonly EnableManagedSpotTraining?: boolean;
  readonly CheckpointConfig?: FolderRequest & { readonly S3Uri: string };
  readonly DebugHookConfig?: FolderRequest & { readonly S3OutputPath: string };
  readonly TensorBoardOutputConfig?: FolderRequest & { readonly S3OutputPath: string };
  readonly ProfilerConfig?: { readonly S3OutputPath?: string; readonly DisableProfiler?: boolean };
  readonly ServerlessJobConfig?: object;
}

export interface AlgorithmSpecification {
  readonly TrainingImage?: string;
  readonly AlgorithmName?: string;
  readonly TrainingInputMode: InputMode;
  readonly ContainerEntrypoint?: readonly string[];
  readonly ContainerArguments?: readonly string[];
  readonly MetricDefinitions?: readonly { readonly Name: string; readonly Regex: string }[];
}

export interface ChannelRequest {
  readonly ChannelName: string;
  readonly DataSource: {
    readonly S3DataSource?: S3DataSource;
    readonly FileSystemDataSource?: FileSystemDataSource;
    readonly DatasetSource?: object;
  };
  readonly ContentType?: string;
  readonly CompressionType?: 'None' | 'Gzip';
  readonly RecordWrapperType?: 'None' | 'RecordIO';
  readonly InputMode?: InputMode;
  readonly ShuffleConfig?: { readonly Seed: number };
}

export interface FileSystemDataSource {
  readonly FileSystemId: string;
  readonly FileSystemAccessMode: 'ro' | 'rw';
  readonly FileSystemType: 'EFS' | 'FSxLustre';
  readonly DirectoryPath: string;
}

export interface S3DataSource {
  readonly S3DataType: 'ManifestFile' | 'S3Prefix' | 'AugmentedManifestFile' | 'Converse';
  readonly S3Uri: string;
  readonly S3DataDistributionType?: 'FullyReplicated' | 'ShardedByS3Key';
  readonly AttributeNames?: readonly string[];
  readonly InstanceGroupNames?: readonly string[];
}

export interface ResourceRequest {
  readonly InstanceType?: string;
  readonly InstanceCount?: number;
  readonly InstanceGroups?: readonly {
    readonly InstanceGroupName: string;
    readonly InstanceType: string;
    readonly InstanceCount: number;
  }[];
  readonly KeepAlivePeriodInSeconds?: number;
}

export interface FolderRequest {
  readonly LocalPath?: string;
}

/** A request without findings, as its typed members. */
export function asCheckedRequest(request: TrainingRequest): CheckedRequest {
  // The walk over the shape table has seen every member that this type promises: that is the proof.
  return request as unknown as CheckedRequest;
}

/** The mode of a channel: its own, else the job's. */
export function inputModeOf(channel: ChannelRequest, request: CheckedRequest): InputMode {
  return channel.InputMode ?? request.AlgorithmSpecification?.TrainingInputMode ?? 'File';
}
