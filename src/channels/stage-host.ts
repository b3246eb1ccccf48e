/** Lays out what a host finds when its container starts: folders, config files, the objects of its channels, the first FIFOs. */
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { OptmlError, systemCode } from '../errors.js';
import { makeFolder } from '../make-folder.js';
import { isInShare, manifestHead, manifestLine, nameInChannel, type Share } from '../plan/objects.js';
import { fifoFolder, fifoName } from '../plan/fifo-names.js';
import type { ChannelPlan, HostPlan } from '../plan/plan.js';
import { readListing, type Listing } from '../survey/listing.js';
import type { ListedObject, Store } from '../store/port.js';
import { makeFifos } from './fifos.js';
import { forEachAtOnce } from '../adaptive-pool.js';
import { inRoom, safeParts } from './room.js';

export interface StageOptions {
  readonly host: HostPlan;
  readonly listings: readonly Listing[];
  readonly store: Store;
  /** An empty folder. */
  readonly room: string;
  readonly signal: AbortSignal;
  readonly onTransfer: (
    channel: Listing,
    change: { readonly bytes: number; readonly objects: number },
  ) => void;
  readonly onChannel: (channel: Listing) => void;
}

/** Returns when every byte is there; throws the first error after all that was started has come to rest. */
export async function stageHost(options: StageOptions): Promise<void> {
  const { host, room } = options;
  for (const folder of host.folders) await makeFolder(inRoom(room, folder));
  for (const [path, text] of Object.entries(host.files)) await writeFile(inRoom(room, path), text);
  for (const channel of host.channels) {
    const listing = options.listings.find(one => one.channel === channel.name);
    if (listing === undefined)
      throw new OptmlError('INTERNAL', `The channel ${channel.name} has no listing.`);
    if (channel.manifest !== null) await writeManifest(channel, listing, inRoom(room, channel.manifest));
    if (channel.mode === 'Pipe') await makeFifos(inRoom(room, fifoFolder(channel)), [fifoName(channel, 0)]);
    else await download(channel, listing, options);
    options.onChannel(listing);
  }
}

async function writeManifest(channel: ChannelPlan, listing: Listing, file: string): Promise<void> {
  await pipeline(manifestPieces(channel, listing), createWriteStream(file, { flags: 'wx' }));
}

/** The lines, some thousand at a time. */
async function* manifestPieces(channel: ChannelPlan, listing: Listing): AsyncGenerator<string> {
  let piece = manifestHead(channel.location);
  for await (const { key } of readListing(listing)) {
    piece += manifestLine(channel.location, key);
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

const PIECE_CHARACTERS = 1 << 18;

async function download(channel: ChannelPlan, listing: Listing, options: StageOptions): Promise<void> {
  const folder = inRoom(options.room, channel.folder);
  const made = new Set([folder]);
  await forEachAtOnce(sharedOut(readListing(listing), channel.share), {
    signal: options.signal,
    act: (object, signal) => place({ channel, folder, made, object, listing, options, signal }),
  });
}

async function* sharedOut<T>(items: AsyncIterable<T>, share: Share): AsyncGenerator<T> {
  let position = 0;
  for await (const item of items) {
    if (isInShare(position, share)) yield item;
    position += 1;
  }
}

async function place(at: {
  readonly channel: ChannelPlan;
  readonly folder: string;
  /** Folders that are known to be there. */
  readonly made: Set<string>;
  readonly object: ListedObject;
  readonly listing: Listing;
  readonly options: StageOptions;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { channel, object, options, made } = at;
  const { bucket } = at.listing;
  const uri = `s3://${bucket}/${object.key}`;
  const name = nameInChannel(channel, object.key);
  if (object.size === null && name.endsWith('/')) throw noFile(uri, channel);
  const parts = safeParts(name, uri);
  const file = parts.length === 0 ? at.folder : `${at.folder}/${parts.join('/')}`;
  // A zero-byte object whose name ends in a slash stands for a folder.
  const isMarker = (name === '' || name.endsWith('/')) && object.size === 0;
  const folder = isMarker ? file : dirname(file);
  try {
    if (!made.has(folder)) {
      await makeFolder(folder);
      made.add(folder);
    }
    if (!isMarker)
      await options.store.download({ bucket, ...object }, file, {
        signal: at.signal,
        onBytes: bytes => options.onTransfer(at.listing, { bytes, objects: 0 }),
      });
  } catch (thrown) {
    throw isClash(thrown) ? clash(uri, channel) : thrown;
  }
  options.onTransfer(at.listing, { bytes: 0, objects: 1 });
}

/** The store's own words name the file's place on this machine. */
function isClash(thrown: unknown): boolean {
  if (thrown instanceof OptmlError) return thrown.code === 'OBJECT_UNPLACEABLE';
  return ['EEXIST', 'ENOTDIR', 'EISDIR'].includes(systemCode(thrown) ?? '');
}

/** A listing shows that such an object is empty and stands for a folder; a manifest does not. */
function noFile(uri: string, channel: ChannelPlan): OptmlError {
  return new OptmlError(
    'OBJECT_UNPLACEABLE',
    `The object ${uri} cannot become a file of channel "${channel.name}": its name ends in a slash, as only folders' do. Take it out of the manifest.`,
  );
}

function clash(uri: string, channel: ChannelPlan): OptmlError {
  return new OptmlError(
    'OBJECT_UNPLACEABLE',
    `The object ${uri} cannot become a file of channel "${channel.name}": another object of the channel needs the same path, ` +
      `as a file or as a folder. A file system cannot hold both; narrow the channel's S3Uri or rename one of them.`,
  );
}
