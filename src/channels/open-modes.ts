/** Modes of a room. It is laid out by this process; who may read and write in it is the platform's choice (contract §1.2). */
import { chmod, opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mount } from '../plan/opt-ml-tree.js';
import { inRoom } from './room.js';

interface Modes {
  readonly folder: number;
  readonly file: number;
}

const PLATFORM: Modes = { folder: 0o755, file: 0o644 };
const OPEN: Modes = { folder: 0o777, file: 0o666 };

/** Gives back what the umask of the user took: everybody in the container may read. */
export async function undoUmask(room: string): Promise<void> {
  const { mode } = await stat(room);
  if ((mode & PLATFORM.folder) !== PLATFORM.folder) await setModes(room, PLATFORM, new Set());
}

/** An image that runs as another user than root could not write in a tree of root's: what is mounted writable is opened to all. */
export async function openModes(room: string, mounts: readonly Mount[]): Promise<void> {
  const closed = new Set(mounts.filter(mount => !mount.writable).map(mount => inRoom(room, mount.path)));
  for (const { path, writable } of mounts) if (writable) await setModes(inRoom(room, path), OPEN, closed);
}

/** Links are none of ours: there are none yet. */
async function setModes(folder: string, modes: Modes, except: ReadonlySet<string>): Promise<void> {
  await chmod(folder, modes.folder);
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name);
    if (except.has(path)) continue;
    if (entry.isDirectory()) await setModes(path, modes, except);
    else await chmod(path, modes.file);
  }
}
