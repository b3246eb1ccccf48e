/** A training job as it was asked for, checked: behind this type there is no raw S3 URI and no unchecked value. Pure. */
import type { Difference } from './differences.js';
import type { S3Location } from './s3-location.js';

export interface TrainingJob {
  readonly kind: 'training';
  /** As given, case kept. */
  readonly name: string;
  /** `arn:aws:sagemaker:REGION:ACCOUNT:training-job/<lower-case name>` (contract §0.8). */
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
  readonly instanceType: string;
  readonly instanceCount: number;
  /** Graviton instance types run arm64, all others amd64. */
  readonly platform: 'linux/amd64' | 'linux/arm64';
  readonly networkIsolation: boolean;
  readonly maxRuntimeSeconds: number;
  readonly metricDefinitions: readonly { readonly name: string; readonly regex: string }[];
  readonly debugHook: FolderUpload | null;
  readonly tensorBoard: FolderUpload | null;
  /** What will be different from SageMaker, from the member table. */
  readonly differences: readonly Difference[];
}

/** A folder of the container that belongs to `<location>/<job>/…`; `config` is the member as given. */
export interface FolderUpload {
  readonly localPath: string;
  readonly location: S3Location;
  readonly config: Readonly<Record<string, unknown>>;
}

export interface Channel {
  readonly name: string;
  /** `null` when absent: then it does not stand in inputdataconfig.json. */
  readonly contentType: string | null;
  readonly inputMode: 'File';
  readonly dataType: 'S3Prefix';
  readonly location: S3Location;
  readonly distribution: 'FullyReplicated' | 'ShardedByS3Key';
  readonly recordWrapper: 'None' | 'RecordIO';
}

/** The JSON body of CreateTrainingJob, as AWS takes it. */
export type TrainingRequest = Readonly<Record<string, unknown>>;
