/**
 * Pipe mode of a host (contract §1.6): each channel's epochs one after the other, as often as they are read. The end of the data
 * is this side's word: an epoch's FIFO stays open here until all of it was written, so a feeder that fails or dies never looks
 * like an end.
 */
import { closeSync } from 'node:fs';
import { deferred } from '../deferred.js';
import type { ChannelPlan, HostPlan } from '../plan/plan.js';
import type { Listing } from '../survey/listing.js';
import { fifoFolder, fifoName } from '../plan/fifo-names.js';
import type { FedChannel, Feeder, StartFeeder } from './feed-protocol.js';
import { openFifoFolder, type FifoFolder } from './fifos.js';
import { inRoom } from './room.js';

export interface Feeding {
  /** Rejects with the first error; then the container must be dead before `stop`. Never resolves. */
  readonly failed: Promise<never>;
  /** Ends the feeder and closes every FIFO. Twice is no error. */
  stop(): Promise<void>;
}

/** The channels of a host that are fed. */
export function fedChannels(host: HostPlan, listings: readonly Listing[]): FedChannel[] {
  return host.channels
    .filter(plan => plan.mode === 'Pipe')
    .flatMap(plan =>
      listings.filter(listing => listing.channel === plan.name).map(listing => ({ plan, listing })),
    );
}

/** Starts before the container does. Throws what makes the feeding impossible. */
export async function feedHost({
  room,
  channels,
  startFeeder,
}: {
  readonly room: string;
  readonly channels: readonly FedChannel[];
  readonly startFeeder: StartFeeder;
}): Promise<Feeding> {
  const fifos = channels.map(({ plan }) => ({
    plan,
    folder: openFifoFolder(inRoom(room, fifoFolder(plan)), fifoFolder(plan)),
  }));
  const ended = new AbortController();
  const failure = deferred<never>();
  /** Write ends that are open. */
  const open = new Set<number>();
  let feeder: Feeder;
  try {
    feeder = await startFeeder(channels);
  } catch (thrown) {
    for (const { folder } of fifos) folder.close();
    throw thrown;
  }
  const work = fifos.map(fifo =>
    feedChannel({ ...fifo, feeder, open, signal: ended.signal }).catch(failure.reject),
  );
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    ended.abort();
    await feeder.end();
    await Promise.all(work);
    for (const end of open) closeSync(end);
    for (const { folder } of fifos) folder.close();
  };
  return { failed: failure.promise, stop: () => (stopped ??= stop()) };
}

/** `open` keeps the FIFO's end when feeding it throws. */
async function feedChannel({
  plan,
  folder,
  feeder,
  open,
  signal,
}: {
  readonly plan: ChannelPlan;
  readonly folder: FifoFolder;
  readonly feeder: Feeder;
  readonly open: Set<number>;
  readonly signal: AbortSignal;
}): Promise<void> {
  for (let epoch = 0; ; epoch += 1) {
    const fifo = fifoName(plan, epoch);
    const end = await folder.untilRead(fifo, signal);
    if (end === null) return;
    open.add(end);
    await Promise.all([folder.make(fifoName(plan, epoch + 1)), feeder.feed(plan.name, epoch, end)]);
    // Read to its end, or left: nobody will feed it again, so nobody shall wait for it. It goes before the reader sees the end.
    folder.remove(fifo);
    open.delete(end);
    closeSync(end);
  }
}
