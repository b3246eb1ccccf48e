/** Inputs and image side by side, then every host made ready to start. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../make-folder.js';
import { mountLazily, unmountBelow } from '../channels/lazy-mount.js';
import { openModes, undoUmask } from '../channels/open-modes.js';
import { fedChannels, type Feeding } from '../channels/feed-host.js';
import { feed, roomContents, stage } from '../data-plane.js';
import type { HostHandle, ImageFacts, JobNetwork } from '../engine/port.js';
import { fillEnvironment } from '../plan/environment.js';
import { fifoFolder } from '../plan/fifo-names.js';
import type { ChannelPlan, HostPlan } from '../plan/plan.js';
import type { Listing } from '../survey/listing.js';
import { KIND_WORDS } from '../report/kind-words.js';
import { noteRestored } from './restored-files.js';
import type { JobRun } from './run-job.js';
import type { UndoList } from './undo-list.js';
import { openWayToStore, placeCertificates } from './way-to-store.js';

export interface PreparedHosts {
  readonly placed: readonly HostHandle[];
  /** Of the hosts that have channels in Pipe mode. */
  readonly feedings: readonly Feeding[];
}

export async function prepareHosts(run: JobRun, undo: UndoList): Promise<PreparedHosts> {
  const { plan, engine, reporter, labels, control } = run;
  const [image, network, { keys, names, certificates }] = await together(control.stopping, signal => {
    const found = { image: findImage(run, signal), network: openNetwork(run, undo) };
    return [
      found.image,
      found.network,
      openWayToStore(run, found, undo, signal),
      ...plan.hosts.map(host => stageInto(run, host, signal)),
    ];
  });
  const placed: HostHandle[] = [];
  const feedings: Feeding[] = [];
  for (const host of plan.hosts) {
    control.stopping.throwIfAborted();
    const folder = roomOf(run, host.name);
    const mounts = [...host.mounts, ...(await placeCertificates(folder, certificates))];
    await undoUmask(folder);
    if (!isRoot(image.user)) await openModes(folder, host.mounts);
    const channels = fedChannels(host, run.survey.listings);
    const shared = [...new Set(channels.map(({ plan: fed }) => fifoFolder(fed)))];
    if (channels.length > 0) {
      const feeding = await feed({ room: folder, channels, startFeeder: run.startFeeder });
      undo.add(`The feeder of ${host.name}`, () => feeding.stop());
      feedings.push(feeding);
    }
    const outside = { ...outsideOf(run, host), ...(await mountChannels(run, host, undo)) };
    const handle = await engine.place(
      {
        plan: {
          ...host,
          mounts,
          container: {
            ...host.container,
            environment: fillEnvironment(host.container.environment, keys),
          },
        },
        image,
        network,
        names: names[host.name] ?? null,
        folder,
        contents: () => roomContents(folder, { shared, mounts }),
        shared,
        outside,
        labels: { ...labels, host: host.name },
      },
      control.killing,
    );
    undo.add(`The container of ${host.name}`, () => engine.remove(handle));
    // It was sent to the engine: here it would only take room.
    if (handle.volumes.length > 0 && shared.length === 0) await rm(folder, { recursive: true, force: true });
    reporter.say({ kind: 'host.placed', handle });
    placed.push(handle);
  }
  return { placed, feedings };
}

/** Mount path → the folder that stands for the file system which is mounted there. */
function outsideOf({ survey }: JobRun, host: HostPlan): Record<string, string> {
  return Object.fromEntries(
    host.mounts.flatMap(({ path, fileSystemOf }) => {
      const folder = fileSystemOf === undefined ? undefined : survey.fileSystems[fileSystemOf];
      return folder === undefined ? [] : [[path, folder]];
    }),
  );
}

/** FastFile channels that are mounted: one object is no folder, and a mount knows no shares; these are downloaded. */
function lazyChannels({ lazy, survey }: JobRun, host: HostPlan): readonly ChannelPlan[] {
  const isFolder = ({ name, location }: ChannelPlan): boolean =>
    location.key === '' ||
    location.key.endsWith('/') ||
    survey.listings.find(one => one.channel === name)?.objects !== 1;
  return lazy === null
    ? []
    : host.channels.filter(
        channel => channel.mode === 'FastFile' && channel.share.of === 1 && isFolder(channel),
      );
}

/** Mount path → where the channel is mounted on this machine. */
async function mountChannels(run: JobRun, host: HostPlan, undo: UndoList): Promise<Record<string, string>> {
  const channels = lazyChannels(run, host);
  if (channels.length === 0 || run.lazy === null || run.openAccess === null) return {};
  const access = await run.openAccess('127.0.0.1');
  undo.add("The mounts' way to the store", () => access.close());
  const mounts = join(run.files.work, `${host.name}-mounts`);
  undo.add('The mounted channels', () => unmountBelow(mounts));
  const places: Record<string, string> = {};
  for (const { name, folder, location } of channels) {
    run.control.stopping.throwIfAborted();
    const place = join(mounts, name);
    await mountLazily({
      location,
      access,
      ...run.lazy,
      folder: place,
    });
    places[folder] = place;
  }
  return places;
}

/** Removed after the hosts, which are placed later. */
async function openNetwork({ plan, engine, labels }: JobRun, undo: UndoList): Promise<JobNetwork> {
  const network = await engine.openNetwork(plan.network, { ...labels, host: '' });
  if (network.id !== null) undo.add('The network of the job', () => engine.closeNetwork(network));
  return network;
}

export function roomOf(run: Pick<JobRun, 'files'>, host: string): string {
  return join(run.files.work, host);
}

async function findImage({ plan, engine, reporter }: JobRun, signal: AbortSignal): Promise<ImageFacts> {
  const container = plan.hosts[0]?.container;
  if (container === undefined) throw new TypeError('a plan has at least one host');
  const image = await engine.image(
    { reference: container.image, platform: container.platform },
    {
      signal,
      onPull: () =>
        reporter.say({
          kind: 'job.status',
          status: 'Downloading',
          message: KIND_WORDS[plan.job.kind].pulling,
        }),
      onProgress: progress =>
        reporter.progress({ kind: 'image.progress', reference: container.image, ...progress }),
    },
  );
  reporter.say({ kind: 'image.ready', reference: container.image, how: image.how });
  return image;
}

async function stageInto(run: JobRun, host: HostPlan, signal: AbortSignal): Promise<void> {
  const { store, reporter } = run;
  const { listings } = run.survey;
  const lazy = lazyChannels(run, host);
  const room = roomOf(run, host.name);
  await makeFolder(room);
  const moved = new Map<string, Moved>();
  const progress = (listing: Listing, finished: boolean): void =>
    reporter.progress({
      kind: 'transfer',
      direction: 'download',
      what: listing.channel,
      ...(moved.get(listing.channel) ?? { bytes: 0, objects: 0 }),
      totalBytes: listing.bytes,
      totalObjects: listing.objects,
      finished,
    });
  await stage({
    host: { ...host, channels: host.channels.filter(channel => !lazy.includes(channel)) },
    listings,
    store,
    room,
    signal,
    onTransfer(listing, change) {
      const sum = moved.get(listing.channel) ?? { bytes: 0, objects: 0 };
      moved.set(listing.channel, { bytes: sum.bytes + change.bytes, objects: sum.objects + change.objects });
      progress(listing, false);
    },
    onChannel(listing) {
      progress(listing, true);
      reporter.say({
        kind: 'channel.ready',
        channel: listing.channel,
        ...readyOf(host, listing, moved.get(listing.channel)),
      });
    },
  });
  await noteRestored(run, host);
}

/** What has arrived; of a channel in Pipe mode nothing has, and what it will bring is told. */
function readyOf(host: HostPlan, listing: Listing, moved: Moved | undefined): Moved {
  const piped = host.channels.some(one => one.name === listing.channel && one.mode === 'Pipe');
  if (piped) return { objects: listing.objects, bytes: listing.bytes ?? 0 };
  return moved ?? { bytes: 0, objects: 0 };
}

interface Moved {
  readonly bytes: number;
  readonly objects: number;
}

function isRoot(user: string): boolean {
  return ['', '0', 'root'].includes(user.split(':')[0] ?? '');
}

type Results<Tasks extends readonly Promise<unknown>[]> = { [Index in keyof Tasks]: Awaited<Tasks[Index]> };

/** All of it, or the first error: then the others are told to end, and have ended when this throws. */
async function together<const Tasks extends readonly [Promise<unknown>, ...Promise<unknown>[]]>(
  outer: AbortSignal,
  begin: (signal: AbortSignal) => Tasks,
): Promise<Results<Tasks>> {
  const own = new AbortController();
  let first: { readonly thrown: unknown } | undefined;
  const tasks = begin(AbortSignal.any([outer, own.signal]));
  const heard = tasks.map(task =>
    task.catch((thrown: unknown) => {
      first ??= { thrown };
      own.abort();
    }),
  );
  const results = await Promise.all(heard);
  if (first !== undefined) throw first.thrown;
  return results as Results<Tasks>;
}
