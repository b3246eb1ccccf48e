/**
 * The members of CreateProcessingJobRequest that the rules and the job read, typed. A request may be taken for this once
 * the walk over the shape table has found nothing wrong and members that are `null` have been left out.
 */
import type { JobRequest } from './job-request.js';

export interface CheckedProcessingRequest {
  readonly ProcessingJobName: string;
  readonly RoleArn: string;
  readonly AppSpecification: {
    readonly ImageUri: string;
    readonly ContainerEntrypoint?: readonly string[];
    readonly ContainerArguments?: readonly string[];
  };
  readonly Environment?: Readonly<Record<string, string>>;
  readonly ProcessingInputs?: readonly ProcessingInputRequest[];
  readonly ProcessingOutputConfig?: {
    readonly Outputs: readonly ProcessingOutputRequest[];
    readonly KmsKeyId?: string;
  };
  readonly ProcessingResources: {
    readonly ClusterConfig: {
      readonly InstanceCount: number;
      readonly InstanceType: string;
      readonly VolumeSizeInGB: number;
      readonly VolumeKmsKeyId?: string;
    };
  };
  readonly StoppingCondition?: { readonly MaxRuntimeInSeconds: number };
  readonly NetworkConfig?: { readonly EnableNetworkIsolation?: boolean };
  readonly Tags?: readonly { readonly Key: string }[];
}

export interface ProcessingInputRequest {
  readonly InputName: string;
  readonly AppManaged?: boolean;
  readonly S3Input?: S3InputRequest;
  readonly DatasetDefinition?: DatasetDefinitionRequest;
}

export interface DatasetDefinitionRequest {
  readonly AthenaDatasetDefinition?: { readonly OutputS3Uri: string };
  readonly RedshiftDatasetDefinition?: { readonly OutputS3Uri: string };
  readonly LocalPath?: string;
  readonly InputMode?: 'Pipe' | 'File';
  readonly DataDistributionType?: 'FullyReplicated' | 'ShardedByS3Key';
}

export interface S3InputRequest {
  readonly S3Uri: string;
  readonly LocalPath?: string;
  readonly S3DataType: 'ManifestFile' | 'S3Prefix';
  readonly S3InputMode?: 'Pipe' | 'File';
  readonly S3DataDistributionType?: 'FullyReplicated' | 'ShardedByS3Key';
  readonly S3CompressionType?: 'None' | 'Gzip';
}

export interface ProcessingOutputRequest {
  readonly OutputName: string;
  readonly AppManaged?: boolean;
  readonly S3Output?: {
    readonly S3Uri: string;
    readonly LocalPath?: string;
    readonly S3UploadMode: 'Continuous' | 'EndOfJob';
  };
  readonly FeatureStoreOutput?: { readonly FeatureGroupName: string };
}

/** A request without findings, as its typed members. */
export function asProcessingRequest(request: JobRequest): CheckedProcessingRequest {
  // The walk over the shape table has seen every member that this type promises: that is the proof.
  return request as unknown as CheckedProcessingRequest;
}
