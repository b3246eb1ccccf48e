/**
 * The one listing of a channel: every object of it, in its order, kept as a file so that a million objects cost no memory.
 * Manifest files, shards and every host's staging are derived from it, never from a second look.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { ListedObject } from '../store/port.js';

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

/** Writes a listing's lines into a new file, some thousand at a time. */
export async function writeLines(file: string, lines: AsyncIterable<readonly unknown[]>): Promise<void> {
  async function* pieces(): AsyncGenerator<string> {
    let piece = '';
    for await (const line of lines) {
      piece += `${JSON.stringify(line)}\n`;
      if (piece.length < PIECE_CHARACTERS) continue;
      yield piece;
      piece = '';
    }
    yield piece;
  }
  await pipeline(pieces(), createWriteStream(file, { flags: 'wx' }));
}

const PIECE_CHARACTERS = 1 << 16;

/** The objects of a listing of the kind `objects`, in its order. */
export async function* readListing(listing: Pick<Listing, 'file'>): AsyncGenerator<ListedObject> {
  for await (const lines of piecesOf(listing.file))
    for (const line of lines) {
      const [key, size, etag] = JSON.parse(line) as [string, number | null, string | null];
      yield { key, size, etag };
    }
}

/** The lines of a listing of the kind `augmented`, in its order. */
export async function* readAugmented(
  listing: Pick<Listing, 'file'>,
): AsyncGenerator<readonly AttributeValue[]> {
  for await (const line of linesOf(listing.file)) yield line as readonly AttributeValue[];
}

/** Every object of a listing, with the place that sharding goes by: objects of one line of an augmented manifest share theirs. */
export async function* listedObjects(
  listing: Pick<Listing, 'kind' | 'bucket' | 'file'>,
): AsyncGenerator<
  Pick<ListedObject, 'key' | 'size'> & { readonly bucket: string; readonly position: number }
> {
  const { bucket } = listing;
  let position = -1;
  if (listing.kind === 'objects')
    for await (const { key, size } of readListing(listing)) yield { bucket, key, size, position: ++position };
  else
    for await (const line of readAugmented(listing)) {
      position += 1;
      for (const value of line)
        if (value[0] === 'ref') yield { bucket: value[1], key: value[2], size: null, position };
    }
}

/** The lines of a listing of either kind, parsed. */
export async function* linesOf(file: string): AsyncGenerator {
  for await (const lines of piecesOf(file)) for (const line of lines) yield JSON.parse(line);
}

/** The lines of a file, as many at a time as one read brings: to wait for each of a million would cost more than to parse it. */
async function* piecesOf(file: string): AsyncGenerator<readonly string[]> {
  let rest = '';
  for await (const text of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 18 })) {
    const lines = `${rest}${String(text)}`.split('\n');
    rest = lines.pop() ?? '';
    yield lines;
  }
  if (rest !== '') yield [rest];
}
