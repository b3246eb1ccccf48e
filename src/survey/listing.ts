/**
 * The one listing of a channel: everything that the store shows under its prefix, in byte order, kept as a file so that a
 * million objects cost no memory. Manifest files, shards and every host's staging are derived from it, never from a second look.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { OptmlError } from '../errors.js';
import type { Channel, TrainingJob } from '../job/training-job.js';
import { formatS3Uri } from '../job/s3-location.js';
import type { ListedObject, Store } from '../store/port.js';

export interface Listing {
  readonly channel: string;
  /** One JSON array `[key, size, etag]` a line. */
  readonly file: string;
  readonly objects: number;
  readonly bytes: number;
}

/**
 * Lists one channel into a new file. Throws REQUEST_INVALID in AWS's words when nothing is there (contract §4.3), and what
 * the store throws.
 */
export async function listChannel(
  { job, channel, store, file }: { job: TrainingJob; channel: Channel; store: Store; file: string },
  signal: AbortSignal,
): Promise<Listing> {
  let objects = 0;
  let bytes = 0;
  async function* lines(): AsyncGenerator<string> {
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
    await pipeline(lines(), createWriteStream(file, { flags: 'wx' }));
  } catch (thrown) {
    throw isMissingBucket(thrown) ? nothingThere(job, channel, (thrown as Error).message) : thrown;
  }
  if (objects === 0) throw nothingThere(job, channel, `Looked in ${store.name}.`);
  return { channel: channel.name, file, objects, bytes };
}

const PIECE_CHARACTERS = 1 << 16;

/** The objects of a listing, in its order. */
export async function* readListing(listing: Pick<Listing, 'file'>): AsyncGenerator<ListedObject> {
  const input = createReadStream(listing.file, { highWaterMark: 1 << 18 });
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      const [key, size, etag] = JSON.parse(line) as [string, number, string];
      yield { key, size, etag };
    }
  } finally {
    input.destroy();
  }
}

function isMissingBucket(thrown: unknown): boolean {
  return thrown instanceof OptmlError && thrown.code === 'BUCKET_MISSING';
}

/** AWS's sentence, word for word, and one of ours that says where we looked. */
function nothingThere(job: TrainingJob, channel: Channel, where: string): OptmlError {
  const { bucket } = channel.location;
  return new OptmlError(
    'REQUEST_INVALID',
    `No S3 objects found under S3 URL "${formatS3Uri(channel.location)}" given in input data source. Please ensure that the ` +
      `bucket exists in the selected region (${job.region}), that objects exist under that S3 prefix, and that the role ` +
      `"${String(job.request['RoleArn'])}" has "s3:ListBucket" permissions on bucket "${bucket}". (${where})`,
  );
}
