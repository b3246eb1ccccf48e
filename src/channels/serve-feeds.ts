/** The feeder's side: epochs are fed as they are asked for, each channel for itself. */
import { constants, openSync } from 'node:fs';
import { asOptmlError, OptmlError } from '../errors.js';
import type { Store } from '../store/port.js';
import { feedBytes } from './feed-bytes.js';
import { fifoFolder, fifoName } from '../plan/fifo-names.js';
import type { FedChannel, FromFeeder } from './feed-protocol.js';
import { openFifo } from './fifo-writer.js';
import { inRoom } from './room.js';

/** Bytes of all channels that may lie ready for their readers. */
const BUDGET = 48 * 1024 * 1024;

export interface FeedServer {
  feed(channel: string, epoch: number): Promise<FromFeeder>;
}

export function serveFeeds({
  room,
  channels,
  store,
}: {
  readonly room: string;
  readonly channels: readonly FedChannel[];
  readonly store: Store;
}): FeedServer {
  // The container can put a link in a folder's place: what was opened before it ran stays the folder.
  const opened = channels.map(fed => ({
    ...fed,
    descriptor: openFolder(inRoom(room, fifoFolder(fed.plan))),
  }));
  const budget = Math.min(16 * 1024 * 1024, BUDGET / channels.length);
  return {
    async feed(channel, epoch) {
      try {
        const whole = await feedOne(channel, epoch);
        return { kind: 'fed', channel, epoch, whole };
      } catch (thrown) {
        const { code, message } = asOptmlError(thrown);
        return { kind: 'failed', channel, code, message };
      }
    },
  };

  /** False when the reader left. */
  async function feedOne(name: string, epoch: number): Promise<boolean> {
    const fed = opened.find(one => one.plan.name === name);
    if (fed === undefined) throw new OptmlError('INTERNAL', `There is no channel ${name} to feed.`);
    const { plan, listing, descriptor } = fed;
    const writer = await openFifo(`/proc/self/fd/${descriptor}/${fifoName(plan, epoch)}`);
    if (writer === null) return false;
    const left = new AbortController();
    try {
      const pieces = feedBytes({ channel: plan, listing, epoch, store, budget, signal: left.signal });
      for await (const piece of pieces) if (!(await writer.write(piece))) return false;
      return await writer.finish();
    } finally {
      left.abort();
      await writer.close();
    }
  }
}

function openFolder(folder: string): number {
  return openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}
