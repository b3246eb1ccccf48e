/** Looks at what a channel names: the objects under its prefix, or those that its manifest names. */
import { rm } from 'node:fs/promises';
import { OptmlError } from '../errors.js';
import type { Job } from '../job/job.js';
import type { S3Channel } from '../job/channel.js';
import { formatS3Uri } from '../job/s3-location.js';
import type { Store, StoredObject } from '../store/port.js';
import { writeLines, type AttributeValue, type Listing } from './listing.js';
import { invalid, readAugmentedManifest, readManifest } from './manifest.js';

interface Look {
  readonly job: Job;
  readonly channel: S3Channel;
  readonly store: Store;
  /** A new file. */
  readonly file: string;
}

/**
 * Lists one channel into a new file. Throws REQUEST_INVALID in AWS's words when nothing is there (contract §4.3) or a prefix
 * does not fit the mode; MANIFEST_INVALID; and what the store throws.
 */
export async function listChannel(look: Look, signal: AbortSignal): Promise<Listing> {
  try {
    switch (look.channel.dataType) {
      case 'S3Prefix':
        return await listPrefix(look, signal);
      case 'ManifestFile':
        return await withManifest(look, signal, copy => listManifest(look, copy));
      case 'AugmentedManifestFile':
        return await withManifest(look, signal, copy => listAugmented(look, copy));
    }
  } catch (thrown) {
    throw isMissingBucket(thrown) ? nothingThere(look, (thrown as Error).message) : thrown;
  }
}

async function listPrefix({ job, channel, store, file }: Look, signal: AbortSignal): Promise<Listing> {
  let objects = 0;
  let bytes = 0;
  async function* lines(): AsyncGenerator<readonly unknown[]> {
    for await (const object of store.list(channel.location, signal)) {
      if (channel.inputMode === 'FastFile') assertInFolder(channel, object.key);
      objects += 1;
      bytes += object.size;
      yield [object.key, object.size, object.etag];
    }
  }
  await writeLines(file, lines());
  if (objects === 0) throw nothingThere({ job, channel }, `Looked in ${store.name}.`);
  return { channel: channel.name, kind: 'objects', bucket: channel.location.bucket, file, objects, bytes };
}

/** A file system has whole folder names only (contract §1.7). */
function assertInFolder({ name, location }: S3Channel, key: string): void {
  const { key: prefix } = location;
  if (prefix === '' || prefix.endsWith('/') || key === prefix || key.startsWith(`${prefix}/`)) return;
  throw new OptmlError(
    'REQUEST_INVALID',
    `The S3Uri ${formatS3Uri(location)} of channel "${name}" ends in the middle of a name, as ${formatS3Uri({ ...location, key })} shows: in FastFile mode it must be a whole folder, so end it with a slash.`,
  );
}

/** A copy of the channel's manifest, for as long as it is read. */
async function withManifest(
  { job, channel, store, file }: Look,
  signal: AbortSignal,
  read: (copy: string) => Promise<Listing>,
): Promise<Listing> {
  const { bucket } = channel.location;
  const manifest = await firstOf(store.list(channel.location, signal));
  // The key that is the prefix comes before all that begin with it.
  if (manifest?.key !== channel.location.key)
    throw nothingThere({ job, channel }, `Looked in ${store.name}.`);
  const copy = `${file}.manifest`;
  try {
    await store.download({ bucket, ...manifest }, copy, { signal });
    return await read(copy);
  } finally {
    await rm(copy, { force: true });
  }
}

async function firstOf(objects: AsyncIterable<StoredObject>): Promise<StoredObject | undefined> {
  for await (const object of objects) return object;
  return undefined;
}

async function listManifest({ channel, file }: Look, copy: string): Promise<Listing> {
  const { bucket, keys } = await readManifest({ file: copy, location: channel.location });
  async function* lines(): AsyncGenerator<readonly unknown[]> {
    for (const key of keys) yield await Promise.resolve([key, null, null]);
  }
  await writeLines(file, lines());
  return { channel: channel.name, kind: 'objects', bucket, file, objects: keys.length, bytes: null };
}

async function listAugmented({ channel, file }: Look, copy: string): Promise<Listing> {
  const { name, location, attributeNames } = channel;
  let objects = 0;
  let count = 0;
  async function* lines(): AsyncGenerator<readonly AttributeValue[]> {
    for await (const line of readAugmentedManifest({ file: copy, location }, attributeNames)) {
      count += 1;
      objects += line.filter(([kind]) => kind === 'ref').length;
      yield line;
    }
  }
  await writeLines(file, lines());
  if (count === 0) throw invalid({ location }, 'no line stands in it');
  return { channel: name, kind: 'augmented', bucket: location.bucket, file, objects, bytes: null };
}

function isMissingBucket(thrown: unknown): boolean {
  return thrown instanceof OptmlError && thrown.code === 'BUCKET_MISSING';
}

/** AWS's sentence, word for word, and one of ours that says where we looked. */
function nothingThere({ job, channel }: Pick<Look, 'job' | 'channel'>, where: string): OptmlError {
  const { bucket } = channel.location;
  return new OptmlError(
    'REQUEST_INVALID',
    `No S3 objects found under S3 URL "${formatS3Uri(channel.location)}" given in input data source. Please ensure that the ` +
      `bucket exists in the selected region (${job.region}), that objects exist under that S3 prefix, and that the role ` +
      `"${String(job.request['RoleArn'])}" has "s3:ListBucket" permissions on bucket "${bucket}". (${where})`,
  );
}
