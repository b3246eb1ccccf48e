/** What one epoch of a Pipe channel sends to one host, in order: objects, and the texts of an augmented manifest. */
import { open } from 'node:fs/promises';
import { isInShare } from '../plan/objects.js';
import type { ChannelPlan } from '../plan/plan.js';
import { shuffledOrder } from '../plan/shuffle.js';
import type { ListedObject, ObjectAddress } from '../store/port.js';
import { linesOf, type AttributeValue, type Listing } from '../survey/listing.js';

export type FeedItem =
  | { readonly kind: 'object'; readonly object: ObjectAddress & ListedObject }
  | { readonly kind: 'text'; readonly bytes: Uint8Array };

export async function* feedItems(
  channel: Pick<ChannelPlan, 'share' | 'shuffleSeed'>,
  listing: Listing,
  epoch: number,
): AsyncGenerator<FeedItem> {
  let position = 0;
  for await (const line of linesInOrder(channel.shuffleSeed, listing, epoch)) {
    // The shuffled list is dealt out anew: a host sees other objects in each epoch (contract §1.6).
    if (isInShare(position++, channel.share)) yield* itemsOfLine(listing, line);
  }
}

function itemsOfLine(listing: Listing, line: unknown): FeedItem[] {
  if (listing.kind === 'augmented') return (line as readonly AttributeValue[]).map(itemOfAttribute);
  const [key, size, etag] = line as [string, number | null, string | null];
  // A zero-byte object whose name ends in a slash stands for a folder: it is no data, and no record.
  if (key.endsWith('/') && size === 0) return [];
  return [{ kind: 'object', object: { bucket: listing.bucket, key, size, etag } }];
}

function itemOfAttribute([kind, ...value]: AttributeValue): FeedItem {
  const [first, key = ''] = value;
  if (kind === 'text') return { kind: 'text', bytes: Buffer.from(first) };
  return { kind: 'object', object: { bucket: first, key, size: null, etag: null } };
}

async function* linesInOrder(seed: number | null, listing: Listing, epoch: number): AsyncGenerator {
  if (seed === null) {
    yield* linesOf(listing.file);
    return;
  }
  const starts = await lineStarts(listing.file);
  const order = shuffledOrder({ count: starts.length - 1, seed, epoch });
  await using file = await open(listing.file, 'r');
  for (const index of order) {
    const start = starts[index] ?? 0;
    const bytes = Buffer.allocUnsafe((starts[index + 1] ?? start) - start);
    await file.read(bytes, 0, bytes.length, start);
    yield JSON.parse(bytes.toString());
  }
}

/** Where each line begins, and the end of the file: eight bytes a line. */
async function lineStarts(file: string): Promise<Float64Array> {
  let starts = new Float64Array(1024);
  let count = 1;
  let offset = 0;
  await using handle = await open(file, 'r');
  for await (const chunk of handle.createReadStream({ highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) {
      if (count === starts.length) {
        const longer = new Float64Array(count * 2);
        longer.set(starts);
        starts = longer;
      }
      starts[count++] = offset + at + 1;
    }
    offset += chunk.length;
  }
  return starts.subarray(0, count);
}
