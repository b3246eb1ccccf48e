/**
 * What happens to a job, as data. The journal keeps every `JobEvent`; status, transitions and the Describe response
 * are folded from them and from nothing else. `Progress` is for the eyes and is not kept.
 *
 * Times are epoch milliseconds.
 */
import type { Difference } from '../job/differences.js';
import type { JobKind, JobRequest } from '../job/job-request.js';

/** Contract §1.12; the statuses that this program gives. `Processing` is the time in which a processing job's container runs. */
export type SecondaryStatus =
  | 'Starting'
  | 'Downloading'
  | 'Training'
  | 'Processing'
  | 'Interrupted'
  | 'Stopping'
  | 'Uploading'
  | 'Completed'
  | 'Failed'
  | 'Stopped'
  | 'MaxRuntimeExceeded'
  | 'MaxWaitTimeExceeded';

export type TrainingJobStatus = 'InProgress' | 'Stopping' | 'Completed' | 'Failed' | 'Stopped';

export type JobEvent =
  | JobCreated
  /** The job enters a status, or only the message changes while the status stays. */
  | {
      readonly kind: 'job.status';
      readonly time: number;
      readonly status: SecondaryStatus;
      readonly message: string;
    }
  | { readonly kind: 'image.ready'; readonly time: number; readonly reference: string; readonly how: string }
  | {
      readonly kind: 'channel.ready';
      readonly time: number;
      readonly channel: string;
      readonly objects: number;
      readonly bytes: number;
    }
  /** What the engine made for a host, so that another process can take over. */
  | { readonly kind: 'host.placed'; readonly time: number; readonly handle: PlacedHost }
  /** The hosts are gone, and others will take their places. */
  | { readonly kind: 'hosts.removed'; readonly time: number }
  | {
      readonly kind: 'host.exited';
      readonly time: number;
      readonly host: string;
      readonly code: number;
      readonly outOfMemory: boolean;
    }
  | OutputUploaded
  /** The store holds something of an output that nobody sees yet: it is to be freed when this process dies. */
  | { readonly kind: 'upload.begun'; readonly time: number; readonly upload: BegunUpload }
  /** An output that could not be uploaded: where it lies now. */
  | {
      readonly kind: 'output.kept';
      readonly time: number;
      readonly from: string;
      readonly path: string;
      readonly why: string;
    }
  /** An output that could neither be uploaded nor kept: container, volumes and folder of the host are left as they are. */
  | {
      readonly kind: 'output.unsaved';
      readonly time: number;
      readonly from: string;
      readonly where: string;
      readonly why: string;
    }
  /** What was unsaved has been kept, as far as there was anything: the hosts hold nothing any more. */
  | { readonly kind: 'outputs.safe'; readonly time: number }
  /** Something below an output folder that has no place in an artifact: a socket, a device … */
  | {
      readonly kind: 'output.left-out';
      readonly time: number;
      readonly from: string;
      readonly names: readonly string[];
    }
  /** The last value of each metric that the logs showed. */
  | {
      readonly kind: 'metrics.final';
      readonly time: number;
      readonly values: readonly { readonly name: string; readonly value: number; readonly time: number }[];
    }
  /** What the containers of a processing job left as their last word. */
  | { readonly kind: 'job.exit-message'; readonly time: number; readonly text: string }
  /** A word to the user about this job that changes nothing in its course. */
  | { readonly kind: 'note'; readonly time: number; readonly text: string }
  | { readonly kind: 'job.failed'; readonly time: number; readonly reason: string };

/** The engine port's `HostHandle`, said again: neither room may import the other; the compiler compares them in `run`. */
export interface PlacedHost {
  readonly host: string;
  readonly container: string;
  readonly volumes: readonly string[];
}

/** The store port's `UnfinishedUpload`, said again for the same reason. */
export interface BegunUpload {
  readonly bucket: string;
  readonly key: string;
  readonly id: string;
}

export interface JobCreated {
  readonly kind: 'job.created';
  /** Absent in journals of versions that ran training jobs only. */
  readonly jobKind?: JobKind;
  readonly time: number;
  /** Names this run of the job: labels and folders bear it. */
  readonly run: string;
  readonly name: string;
  readonly arn: string;
  readonly request: JobRequest;
  /** The store's own name, as in messages. */
  readonly store: string;
  /** `s3://…` where the model goes, whether or not there will be one; empty for kinds that make none. */
  readonly modelArtifacts: string;
  readonly differences: readonly Difference[];
}

export interface OutputUploaded {
  readonly kind: 'output.uploaded';
  readonly time: number;
  /** The folder in the container. */
  readonly from: string;
  /** `s3://…` of the artifact, or of the prefix under which the objects lie. */
  readonly to: string;
  readonly bytes: number;
  readonly objects: number;
  /** Where a person finds it on this machine; absent for stores elsewhere. */
  readonly file?: string;
}

/** One line of output of a host: `time` is when it was read, `message` is escaped as SageMaker's logs are. */
export interface LogLine {
  readonly host: string;
  readonly time: number;
  readonly message: string;
}

export type Progress =
  | {
      readonly kind: 'image.progress';
      readonly reference: string;
      readonly text: string;
      readonly done: number;
      readonly total: number;
    }
  | TransferProgress
  | ({ readonly kind: 'log' } & LogLine);

export interface TransferProgress {
  readonly kind: 'transfer';
  readonly direction: 'download' | 'upload';
  /** Channel name, or the folder in the container. */
  readonly what: string;
  readonly bytes: number;
  readonly objects: number;
  /** Null where the whole is not known before the end. */
  readonly totalBytes: number | null;
  readonly totalObjects: number | null;
  readonly finished: boolean;
}
