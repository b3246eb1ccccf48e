/** Checkpoints (contract §1.9): the folder of S3 that is a folder of every host, and the starts that go on from it. Pure. */
import { CHECKPOINTS } from '../job/channel-rules.js';
import type { Job } from '../job/job.js';
import type { ChannelPlan } from './plan.js';
import type { UploadPlan } from './uploads.js';

/** What may make a job start anew. */
export interface RestartPlan {
  /** MaxWaitTimeInSeconds; null for a job that does not run on spot instances, which nothing interrupts. */
  readonly maxWaitSeconds: number | null;
  /** After faults of the platform. */
  readonly retryAttempts: number;
}

export function restartsOf(job: Job): RestartPlan {
  if (job.kind !== 'training') return { maxWaitSeconds: null, retryAttempts: 0 };
  return { maxWaitSeconds: job.spot?.maxWaitSeconds ?? null, retryAttempts: job.retryAttempts };
}

/** They come as one more channel in File mode, which may be empty and goes to every host (contract §1.3). */
export function checkpointChannels(job: Job): ChannelPlan[] {
  if (job.kind !== 'training' || job.checkpoints === null) return [];
  const { localPath, location } = job.checkpoints;
  return [
    {
      name: CHECKPOINTS,
      mode: 'File',
      location,
      dataType: 'S3Prefix',
      folder: localPath,
      manifest: `/opt/ml/input/data/${CHECKPOINTS}-manifest`,
      share: { index: 0, of: 1 },
      gzip: false,
      recordIo: false,
      shuffleSeed: null,
      attributeNames: [],
    },
  ];
}

/** All hosts share one prefix: what has one path on two of them overwrites. */
export function checkpointUploads(job: Job, hosts: readonly string[]): UploadPlan[] {
  if (job.kind !== 'training' || job.checkpoints === null) return [];
  const { localPath, location } = job.checkpoints;
  return [
    {
      from: localPath,
      hosts,
      form: 'objects',
      to: { ...location, key: location.key.replace(/\/$/, '') },
      when: 'continuous',
      kmsKeyId: null,
      checkpoints: true,
    },
  ];
}
