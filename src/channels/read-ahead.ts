/** Items in their order, while the objects behind the next ones are on their way already. */
import type { ObjectReading, Store } from '../store/port.js';
import type { FeedItem } from './feed-items.js';

export type OpenItem =
  | { readonly kind: 'object'; readonly item: FeedItem & { kind: 'object' }; readonly reading: ObjectReading }
  | { readonly kind: 'text'; readonly bytes: Uint8Array };

/** Objects on their way at once. */
const WIDEST = 64;

/** What one reading may hold: its piece, and the chunks that are in hand when it has enough. */
const HELD = 1.5 * 1024 * 1024;

/** The least that counts for one: connection, promises. */
const LEAST = 16 * 1024;

/**
 * `budget`: bytes that may lie ready. The reading that was given last must be read to its end, or the generator be left, before
 * the next one is asked for.
 */
export async function* readAhead(
  items: AsyncIterable<FeedItem>,
  { store, budget, signal }: { readonly store: Store; readonly budget: number; readonly signal: AbortSignal },
): AsyncGenerator<OpenItem> {
  const left = new AbortController();
  const all = AbortSignal.any([signal, left.signal]);
  const source = items[Symbol.asyncIterator]();
  const begun: { readonly weight: number; readonly opened: Promise<OpenItem> }[] = [];
  let weight = 0;
  let more = true;

  const begin = async (): Promise<void> => {
    while (more && begun.length < WIDEST && (begun.length === 0 || weight < budget)) {
      const next = await source.next();
      if (next.done === true) more = false;
      else {
        const opened = openItem(store, next.value, all);
        // It is looked at when its turn comes.
        opened.catch(() => undefined);
        begun.push({ weight: weightOf(next.value), opened });
        weight += weightOf(next.value);
      }
    }
  };

  try {
    for (;;) {
      await begin();
      const [first] = begun;
      if (first === undefined) return;
      yield await first.opened;
      begun.shift();
      weight -= first.weight;
    }
  } finally {
    left.abort();
    await source.return?.();
  }
}

async function openItem(store: Store, item: FeedItem, signal: AbortSignal): Promise<OpenItem> {
  if (item.kind === 'text') return item;
  return { kind: 'object', item, reading: await store.read(item.object, signal) };
}

function weightOf(item: FeedItem): number {
  if (item.kind === 'text') return item.bytes.length + LEAST;
  return Math.min(HELD, (item.object.size ?? HELD) + LEAST);
}
