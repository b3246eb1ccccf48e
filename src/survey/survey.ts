/** What is there before a job is accepted: every channel's listing, and an output place that can be used. */
import { join } from 'node:path';
import { s3Channels, type S3Channel, type TrainingJob } from '../job/training-job.js';
import type { Store } from '../store/port.js';
import { listChannel, type Listing } from './listing.js';

export interface Survey {
  readonly listings: readonly Listing[];
}

/** Writes one listing file a channel into `folder`, which exists and is empty. Throws what makes AWS refuse the request. */
export async function survey(
  { job, store, folder }: { job: TrainingJob; store: Store; folder: string },
  signal: AbortSignal,
): Promise<Survey> {
  // Channel names are free of slashes, and the suffix keeps `.` and `..` from being one.
  const one = async (channel: S3Channel): Promise<Listing> =>
    listChannel({ job, channel, store, file: join(folder, `${channel.name}.listing`) }, signal);
  const settled = await Promise.allSettled(s3Channels(job).map(one));
  const listings = settled.map(result => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
  return { listings };
}
