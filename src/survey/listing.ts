/**
 * The one listing of a channel: everything that the store shows under its prefix, in byte order, kept as a file so that a
 * million objects cost no memory. Manifest files, shards and every host's staging are derived from it, never from a second look.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { OptmlError } from '../errors.js';
import type { S3Channel, TrainingJob } from '../job/training-job.js';
import { formatS3Uri } from '../job/s3-location.js';
import type { ListedObject, Store } from '../store/port.js';

export interface Listing {
  readonly channel: string;
  /** What a line of the file is: an object for `readListing`, or a line of an augmented manifest for `readAugmented`. */
  readonly kind: 'objects' | 'augmented';
  /** Where the objects lie; for `augmented`, each has its own. */
  readonly bucket: string;
  /**
   * One JSON array a line: `[key, size, etag]`, the last two null where only a manifest has named the object; or, for
   * `augmented`, the values of AttributeNames in their order, each `["ref", bucket, key]` or `["text", string]`.
   */
  readonly file: string;
  /** Objects behind it, before any sharding. */
  readonly objects: number;
  /** Null where no listing has shown the sizes. */
  readonly bytes: number | null;
}

/** The value of one attribute in a line of an augmented manifest: an object to be sent, or the text itself. */
export type AttributeValue = readonly ['ref', bucket: string, key: string] | readonly ['text', text: string];

/**
 * Lists one channel into a new file. Throws REQUEST_INVALID in AWS's words when nothing is there (contract §4.3), and what
 * the store throws.
 */
export async function listChannel(
  { job, channel, store, file }: { job: TrainingJob; channel: S3Channel; store: Store; file: string },
  signal: AbortSignal,
): Promise<Listing> {
  let objects = 0;
  let bytes = 0;
  async function* pieces(): AsyncGenerator<string> {
    let piece = '';
    for await (const object of store.list(channel.location, signal)) {
      objects += 1;
      bytes += object.size;
      piece += `${JSON.stringify([object.key, object.size, object.etag])}\n`;
      if (piece.length < PIECE_CHARACTERS) continue;
      yield piece;
      piece = '';
    }
    yield piece;
  }
  try {
    await pipeline(pieces(), createWriteStream(file, { flags: 'wx' }));
  } catch (thrown) {
    throw isMissingBucket(thrown) ? nothingThere(job, channel, (thrown as Error).message) : thrown;
  }
  if (objects === 0) throw nothingThere(job, channel, `Looked in ${store.name}.`);
  const { bucket } = channel.location;
  return { channel: channel.name, kind: 'objects', bucket, file, objects, bytes };
}

const PIECE_CHARACTERS = 1 << 16;

/** The objects of a listing of the kind `objects`, in its order. */
export async function* readListing(listing: Pick<Listing, 'file'>): AsyncGenerator<ListedObject> {
  for await (const line of lines(listing.file)) {
    const [key, size, etag] = line as [string, number | null, string | null];
    yield { key, size, etag };
  }
}

/** The lines of a listing of the kind `augmented`, in its order. */
export async function* readAugmented(
  listing: Pick<Listing, 'file'>,
): AsyncGenerator<readonly AttributeValue[]> {
  for await (const line of lines(listing.file)) yield line as readonly AttributeValue[];
}

/** The lines of a listing of either kind, parsed. */
export async function* lines(file: string): AsyncGenerator {
  const input = createReadStream(file, { highWaterMark: 1 << 18 });
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) yield JSON.parse(line);
  } finally {
    input.destroy();
  }
}

function isMissingBucket(thrown: unknown): boolean {
  return thrown instanceof OptmlError && thrown.code === 'BUCKET_MISSING';
}

/** AWS's sentence, word for word, and one of ours that says where we looked. */
function nothingThere(job: TrainingJob, channel: S3Channel, where: string): OptmlError {
  const { bucket } = channel.location;
  return new OptmlError(
    'REQUEST_INVALID',
    `No S3 objects found under S3 URL "${formatS3Uri(channel.location)}" given in input data source. Please ensure that the ` +
      `bucket exists in the selected region (${job.region}), that objects exist under that S3 prefix, and that the role ` +
      `"${String(job.request['RoleArn'])}" has "s3:ListBucket" permissions on bucket "${bucket}". (${where})`,
  );
}
