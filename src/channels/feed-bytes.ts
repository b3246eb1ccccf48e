/** The bytes of one epoch of a Pipe channel, as its reader sees them (contract §1.6). */
import { OptmlError } from '../errors.js';
import { formatS3Uri } from '../job/s3-location.js';
import type { ChannelPlan } from '../plan/plan.js';
import type { ObjectReading, Store } from '../store/port.js';
import type { Listing } from '../survey/listing.js';
import { feedItems, type FeedItem } from './feed-items.js';
import { readAhead, type OpenItem } from './read-ahead.js';
import { recordOf } from './record-io.js';
import { unpacked } from './unpack.js';

type Pieces = AsyncIterable<readonly Uint8Array[]>;

export interface FeedOptions {
  readonly channel: Pick<ChannelPlan, 'share' | 'shuffleSeed' | 'gzip' | 'recordIo'>;
  readonly listing: Listing;
  readonly epoch: number;
  readonly store: Store;
  /** Bytes that may lie ready. */
  readonly budget: number;
  readonly signal: AbortSignal;
}

/** A record whose length is not known beforehand is held up to here; a longer one is unpacked twice. */
const HELD = 16 * 1024 * 1024;

export async function* feedBytes(options: FeedOptions): AsyncGenerator<readonly Uint8Array[]> {
  const { channel, listing, epoch } = options;
  for await (const open of readAhead(feedItems(channel, listing, epoch), options)) {
    if (channel.recordIo) yield* record(open, options);
    else yield* open.kind === 'text' ? [[open.bytes]] : plain(open.reading, open.item, channel.gzip);
  }
}

function plain({ pieces }: ObjectReading, { object }: FeedItem & { kind: 'object' }, gzip: boolean): Pieces {
  return gzip ? unpacked(pieces, formatS3Uri(object)) : pieces;
}

/** Each object, and each value of an augmented manifest, is one record. */
async function* record(open: OpenItem, options: FeedOptions): AsyncGenerator<readonly Uint8Array[]> {
  if (open.kind === 'text') yield* recordOf(open.bytes.length, once([open.bytes]));
  else if (!options.channel.gzip) yield* recordOf(open.reading.size, open.reading.pieces);
  else yield* unpackedRecord(open, options);
}

async function* unpackedRecord(
  { reading, item }: OpenItem & { kind: 'object' },
  { store, signal, budget }: FeedOptions,
): AsyncGenerator<readonly Uint8Array[]> {
  const most = Math.min(HELD, budget);
  const held: Uint8Array[] = [];
  let size = 0;
  for await (const piece of plain(reading, item, true)) {
    for (const chunk of piece) size += chunk.length;
    if (size <= most) held.push(...piece);
    else held.length = 0;
  }
  if (size <= most) yield* recordOf(size, once(held));
  else {
    const again = plain(await store.read(item.object, signal), item, true);
    yield* recordOf(size, exactly(size, again, formatS3Uri(item.object)));
  }
}

/** The length is sent before the bytes: when they prove to be others, the record is broken. */
async function* exactly(size: number, pieces: Pieces, uri: string): AsyncGenerator<readonly Uint8Array[]> {
  let left = size;
  for await (const piece of pieces) {
    for (const chunk of piece) left -= chunk.length;
    if (left < 0) break;
    yield piece;
  }
  if (left !== 0)
    throw new OptmlError(
      'OBJECT_CHANGED',
      `${uri} changed while it was read: run the job again when nobody writes it.`,
    );
}

async function* once(piece: readonly Uint8Array[]): AsyncGenerator<readonly Uint8Array[]> {
  yield await Promise.resolve(piece);
}
