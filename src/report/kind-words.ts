/** What each kind of job is called, and the sentences of the service about it (contract §1.12, §2.8, §4.3). Pure. */
import type { JobKind } from '../job/job-request.js';
import type { SecondaryStatus } from './events.js';

export interface KindWords {
  /** `training job` */
  readonly job: string;
  readonly stopOperation: string;
  /** The status while the container runs. */
  readonly running: SecondaryStatus;
  /** The messages of the statuses. */
  readonly starting: string;
  readonly pulling: string;
  readonly runs: string;
  readonly stopping: string;
  readonly uploading: string;
  readonly completed: string;
  readonly failed: string;
  readonly stopped: string;
  readonly exceeded: string;
  readonly inUse: (arn: string) => string;
  readonly notFound: (name: string) => string;
}

/** Of training jobs that start anew (UNCONFIRMED, contract §1.12). */
export const RESTART_WORDS = {
  interrupted: 'Training job interrupted',
  starting: 'Preparing the instances for training',
  waited: 'Training job wait time exceeded MaxWaitTimeInSeconds provided',
} as const;

export const KIND_WORDS: Record<JobKind, KindWords> = {
  training: {
    job: 'training job',
    stopOperation: 'StopTrainingJob',
    running: 'Training',
    starting: 'Starting the training job',
    pulling: 'Downloading the training image',
    runs: 'Training image download completed. Training in progress.',
    stopping: 'Stopping the training job',
    uploading: 'Uploading generated training model',
    completed: 'Training job completed',
    failed: 'Training job failed',
    stopped: 'Training job stopped',
    exceeded: 'Training job runtime exceeded MaxRuntimeInSeconds provided',
    inUse: arn =>
      `Training job names must be unique within an AWS account and region, and a training job with this name already exists (${arn}).`,
    notFound: () => 'Requested resource not found.',
  },
  // The service gives no messages of processing jobs: these are for the eyes of the user only.
  processing: {
    job: 'processing job',
    stopOperation: 'StopProcessingJob',
    running: 'Processing',
    starting: 'Starting the processing job',
    pulling: 'Downloading the processing image',
    runs: 'Processing image download completed. Processing in progress.',
    stopping: 'Stopping the processing job',
    uploading: 'Uploading the outputs',
    completed: 'Processing job completed',
    failed: 'Processing job failed',
    stopped: 'Processing job stopped',
    exceeded: 'Processing job runtime exceeded MaxRuntimeInSeconds provided',
    // UNCONFIRMED, as is the next one.
    inUse: arn =>
      `Job name must be unique within an AWS account and region, and a job with this name already exists (${arn}).`,
    notFound: name => `Could not find requested job with name: ${name}.`,
  },
};
