/** Whether a job's FastFile channels are mounted (`--fastfile lazy`), and what stands against it. */
import { OptmlError } from '../errors.js';
import type { Job } from '../job/job.js';
import { s3Channels } from '../job/channel.js';
import { assertCanMount } from './lazy-mount.js';

/** What a mount wants to know. */
export interface LazyFastFile {
  readonly region: string;
  /** Where programs are looked for. */
  readonly path: string;
}

/** Null when they are downloaded, or there are none. Throws REQUEST_REFUSED when they cannot be mounted. */
export async function lazyFastFile(
  job: Job,
  settings: {
    readonly fastfile: string;
    readonly maps: readonly string[];
    readonly region: string;
    readonly store: string;
  },
  path: string,
): Promise<LazyFastFile | null> {
  const { fastfile, maps, region, store } = settings;
  const buckets = s3Channels(job).flatMap(one => (one.inputMode === 'FastFile' ? [one.location.bucket] : []));
  if (fastfile !== 'lazy' || buckets.length === 0) return null;
  await assertCanMount(path);
  const mapped = buckets.find(bucket => maps.some(map => /^s3:\/\/([^/=]+)/.exec(map)?.[1] === bucket));
  if (store !== 'aws' && mapped === undefined) return { region, path };
  throw new OptmlError(
    'REQUEST_REFUSED',
    `--fastfile lazy cannot be had: ${mapped === undefined ? 'no keys of yours are handed to another program, as Amazon S3 would need' : `a --map stands before bucket "${mapped}", and only the store can be mounted`}; leave the flag out.`,
  );
}
