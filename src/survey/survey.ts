/** What is there before a job is accepted: the listing of every channel and of the checkpoints, and the folders that stand for file systems. */
import { join } from 'node:path';
import { OptmlError } from '../errors.js';
import type { Job } from '../job/job.js';
import { s3Channels, type S3Channel } from '../job/channel.js';
import type { Store } from '../store/port.js';
import { foldersOfFileSystems, type FileSystemMap } from './file-systems.js';
import { listChannel } from './list-channel.js';
import { listCheckpoints } from './list-checkpoints.js';
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
    readonly job: Job;
    readonly store: Store;
    readonly fileSystems: readonly FileSystemMap[];
    readonly folder: string;
  },
  signal: AbortSignal,
): Promise<Survey> {
  const { job, store, folder } = at;
  const fileSystems = foldersOfFileSystems(job, at.fileSystems);
  // Numbered, as the names of a processing job's inputs may have any character and length.
  const one = async (channel: S3Channel, index: number): Promise<Listing> =>
    listChannel({ job, channel, store, file: join(folder, `${index}.listing`) }, signal);
  const checkpoints = job.kind === 'training' ? job.checkpoints : null;
  const settled = await Promise.allSettled([
    ...s3Channels(job).map(one),
    ...(checkpoints === null
      ? []
      : [
          listCheckpoints(
            { location: checkpoints.location, store, file: join(folder, 'checkpoints.listing') },
            signal,
          ),
        ]),
  ]);
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
