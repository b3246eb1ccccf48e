/**
 * The data plane: what is done with a plan's bytes. `stage` brings a host's inputs in, `feed` streams those of Pipe mode while it
 * runs, `collect` takes its outputs out. They are function calls where this process can reach the host's room, and take nothing but a plan, a store and a room, so that a
 * helper beside the container can do the same where it cannot.
 */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { archiveOutputs } from './collect/archive-outputs.js';
import { folderOutputs } from './collect/folder-outputs.js';
import type { HostOutputs, OutputEntry } from './collect/output-entry.js';
import { mergedOutputs } from './collect/merged-outputs.js';
import { uploadOutput } from './collect/upload-output.js';
import { tarOf } from './collect/tarball.js';
import { feedHost } from './channels/feed-host.js';
import { inRoom } from './channels/room.js';
import { stageHost, type StageOptions } from './channels/stage-host.js';
import { makeFolder } from './make-folder.js';
import type { Mount } from './plan/opt-ml-tree.js';
import type { HostPlan } from './plan/plan.js';

export type { StageOptions };
export { ContinuousUpload, type SentFiles } from './collect/continuous-upload.js';
export { uploadCheckpoints as collectCheckpoints, type Senders } from './collect/upload-checkpoints.js';
export {
  feedHost as feed,
  stageHost as stage,
  uploadOutput as collect,
  mergedOutputs as mergeOutputs,
  inRoom as placeInRoom,
};

/** What an ended host left, read from its room, or through the engine where only that can. */
export function outputsOf({
  host,
  room,
  archive,
}: {
  readonly host: HostPlan;
  readonly room: string;
  readonly archive: ((containerPath: string) => Promise<Readable | null>) | null;
}): HostOutputs {
  if (archive !== null) return archiveOutputs(archive);
  return folderOutputs(
    path => inRoom(room, path),
    host.mounts.map(mount => mount.path),
  );
}

/**
 * A room as a tar stream with paths from the root of the container, less what lies below `shared` paths; but what lies below a
 * mount in them is there.
 */
export function roomContents(
  room: string,
  { shared, mounts }: { readonly shared: readonly string[]; readonly mounts: readonly Mount[] },
): AsyncIterable<Uint8Array> {
  const below = (path: string, folders: readonly string[]): boolean =>
    folders.some(folder => path.startsWith(`${folder}/`));
  const inShared = mounts.map(mount => mount.path).filter(path => below(path, shared));
  async function* sent(): AsyncGenerator<OutputEntry> {
    for await (const entry of folderOutputs(path => inRoom(room, path), ['/']).entries('/'))
      if (!below(`/${entry.path}`, shared) || below(`/${entry.path}`, inShared)) yield entry;
  }
  return tarOf(sent(), () => undefined);
}

/**
 * Puts an output that could not be uploaded into a folder of the home, as it is: moved when it lies in a room, as the
 * engine's own tar when only that can read it. Null when there is nothing in it.
 */
export async function keep({
  outputs,
  source,
  from,
  folder,
}: {
  readonly outputs: HostOutputs;
  readonly source:
    | { readonly kind: 'room'; readonly room: string }
    | { readonly kind: 'engine'; readonly archive: (containerPath: string) => Promise<Readable | null> };
  readonly from: string;
  readonly folder: string;
}): Promise<string | null> {
  if (await isEmpty(outputs, from)) return null;
  await makeFolder(folder, 0o700);
  const path = join(
    folder,
    from
      .replace(/^\/opt\/ml\//, '')
      .replace(/^\/+/, '')
      .replaceAll('/', '-'),
  );
  if (source.kind === 'room') {
    await rename(inRoom(source.room, from), path);
    return path;
  }
  const tar = await source.archive(from);
  return tar === null ? null : saveTar(tar, `${path}.tar`);
}

export async function isEmpty(outputs: HostOutputs, folder: string): Promise<boolean> {
  const entries = outputs.entries(folder)[Symbol.asyncIterator]();
  try {
    return (await entries.next()).done === true;
  } finally {
    await entries.return?.();
  }
}

/** What is there already is of a process that died over it. */
async function saveTar(tar: Readable, path: string): Promise<string> {
  try {
    await pipeline(tar, createWriteStream(path, { mode: 0o600 }));
    return path;
  } catch (thrown) {
    await rm(path, { force: true });
    throw thrown;
  }
}
