/**
 * The data plane: what is done with a plan's bytes. `stage` brings a host's inputs in, `collect` takes its outputs out. Both
 * are function calls where this process can reach the host's room, and take nothing but a plan, a store and a room, so that a
 * helper beside the container can do the same where it cannot.
 */
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { archiveOutputs } from './collect/archive-outputs.js';
import { folderOutputs } from './collect/folder-outputs.js';
import { packIntoFolder } from './collect/keep-output.js';
import type { HostOutputs } from './collect/output-entry.js';
import { uploadOutput } from './collect/upload-output.js';
import { tarOf } from './collect/tarball.js';
import { inRoom } from './channels/room.js';
import { stageHost, type StageOptions } from './channels/stage-host.js';
import { systemCode } from './errors.js';
import type { HostPlan } from './plan/plan.js';

export type { StageOptions };
export { stageHost as stage, uploadOutput as collect };

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

/** A room as a tar stream with paths from the root of the container. */
export function roomContents(room: string): AsyncIterable<Uint8Array> {
  return tarOf(folderOutputs(path => inRoom(room, path), ['/']).entries('/'), () => undefined);
}

/**
 * Puts an output that could not be uploaded into a folder of the home: moved when it lies in a room, packed when only the
 * engine can read it. Null when there is nothing in it.
 */
export async function keep({
  outputs,
  room,
  from,
  folder,
}: {
  readonly outputs: HostOutputs;
  /** Null when the engine holds the output. */
  readonly room: string | null;
  readonly from: string;
  readonly folder: string;
}): Promise<string | null> {
  const name = from.replace(/^\/opt\/ml\//, '').replaceAll('/', '-');
  const entries = outputs.entries(from)[Symbol.asyncIterator]();
  const first = await entries.next();
  await entries.return?.(undefined);
  if (first.done === true) return null;
  // Not `recursive`, which says ENOENT where no inode is free.
  await mkdir(folder, { mode: 0o700 }).catch((thrown: unknown) => {
    if (systemCode(thrown) !== 'EEXIST') throw thrown;
  });
  if (room === null) return packIntoFolder(outputs, { from, name, folder });
  const path = join(folder, name);
  await rename(inRoom(room, from), path);
  return path;
}
