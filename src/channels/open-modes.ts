/** A platform tree is root's; an image that runs as another user could not write in it (contract §1.2 leaves it so for config). */
import { chmod, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { inRoom } from './room.js';

/** Opens everything below the given paths of the container to every user of it. Links are none of ours: there are none yet. */
export async function openModes(room: string, containerPaths: readonly string[]): Promise<void> {
  for (const path of containerPaths) await openTree(inRoom(room, path));
}

async function openTree(folder: string): Promise<void> {
  await chmod(folder, 0o777);
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openTree(path);
    else await chmod(path, 0o666);
  }
}
