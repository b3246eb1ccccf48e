/** The feeder's side: epochs are fed as they are asked for, each channel for itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { asOptmlError, OptmlError } from '../errors.js';
import type { Store } from '../store/port.js';
import { feedBytes } from './feed-bytes.js';
import type { FedChannel, FromFeeder, ToFeeder } from './feed-protocol.js';
import { openFifo, type FifoWriter } from './fifo-writer.js';

/** Bytes of all channels that may lie ready for their readers. */
const BUDGET = 48 * 1024 * 1024;

type Wanted = Extract<ToFeeder, { readonly kind: 'feed' }>;

export interface FeedServer {
  feed(wanted: Wanted): Promise<FromFeeder>;
  /** When nobody reads any of the FIFOs that are open here: closing them then looks like an end to nobody. */
  unread(): Promise<void>;
}

const POLL_MS = 20;

export function serveFeeds({
  channels,
  store,
}: {
  readonly channels: readonly FedChannel[];
  readonly store: Store;
}): FeedServer {
  const budget = Math.min(16 * 1024 * 1024, BUDGET / channels.length);
  /** With what is not written to its end, also when that failed: no reader may take a failure for the end. */
  const open = new Set<FifoWriter>();
  let opening = 0;
  return {
    async feed(wanted) {
      const { channel, epoch } = wanted;
      try {
        const whole = await feedOne(wanted);
        return { kind: 'fed', channel, epoch, whole };
      } catch (thrown) {
        const { code, message } = asOptmlError(thrown);
        return { kind: 'failed', channel, code, message };
      }
    },
    async unread() {
      while (opening > 0 || [...open].some(writer => writer.isRead())) await delay(POLL_MS);
    },
  };

  /** False when the reader left. */
  async function feedOne({ channel, epoch, fifo }: Wanted): Promise<boolean> {
    const fed = channels.find(one => one.plan.name === channel);
    if (fed === undefined) throw new OptmlError('INTERNAL', `There is no channel ${channel} to feed.`);
    opening += 1;
    const writer = await openFifo(fifo).finally(() => (opening -= 1));
    if (writer === null) return false;
    open.add(writer);
    const whole = await fill(writer, fed, epoch);
    open.delete(writer);
    await writer.close();
    return whole;
  }

  async function fill(writer: FifoWriter, { plan, listing }: FedChannel, epoch: number): Promise<boolean> {
    const left = new AbortController();
    try {
      const pieces = feedBytes({ channel: plan, listing, epoch, store, budget, signal: left.signal });
      for await (const piece of pieces) if (!(await writer.write(piece))) return false;
      return await writer.finish();
    } finally {
      left.abort();
    }
  }
}
