/** What is there before a job is accepted: every channel's listing, and the folders that stand for file systems. */
import { join } from 'node:path';
import { OptmlError } from '../errors.js';
import { s3Channels, type S3Channel, type TrainingJob } from '../job/training-job.js';
import type { Store } from '../store/port.js';
import { foldersOfFileSystems, type FileSystemMap } from './file-systems.js';
import { listChannel } from './list-channel.js';
import type { Listing } from './listing.js';

export interface Survey {
  readonly listings: readonly Listing[];
  /** Channel → the folder of this machine that stands for its file system. */
  readonly fileSystems: Readonly<Record<string, string>>;
  /** What SageMaker finds out only when it downloads: the job is there, and fails with it. */
  readonly fault: OptmlError | null;
}

/** Writes one listing file a channel into `folder`, which exists and is empty. Throws what makes AWS refuse the request. */
export async function survey(
  at: {
    readonly job: TrainingJob;
    readonly store: Store;
    readonly fileSystems: readonly FileSystemMap[];
    readonly folder: string;
  },
  signal: AbortSignal,
): Promise<Survey> {
  const { job, store, folder } = at;
  const fileSystems = foldersOfFileSystems(job, at.fileSystems);
  // Channel names are free of slashes, and the suffix keeps `.` and `..` from being one.
  const one = async (channel: S3Channel): Promise<Listing> =>
    listChannel({ job, channel, store, file: join(folder, `${channel.name}.listing`) }, signal);
  const settled = await Promise.allSettled(s3Channels(job).map(one));
  const listings: Listing[] = [];
  let fault: OptmlError | null = null;
  for (const result of settled)
    if (result.status === 'fulfilled') listings.push(result.value);
    else if (isFault(result.reason)) fault ??= result.reason;
    else throw result.reason;
  return { listings, fileSystems, fault };
}

function isFault(thrown: unknown): thrown is OptmlError {
  return thrown instanceof OptmlError && thrown.code === 'MANIFEST_INVALID';
}
