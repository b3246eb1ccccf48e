/**
 * `mkdir -p`. Node's own says ENOENT where no inode is free, and never returns where the kernel says ENOENT for a parent
 * that is there (`/proc/x`).
 */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from './errors.js';

/** A folder that is there is no error. `mode` is for those that are made. */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  if (await made(path, mode)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolder(parent, mode);
  await mkdir(path, { mode }).catch((thrown: unknown) => ignoreFolder(thrown, path));
}

/** False when its parent is missing. */
async function made(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return false;
    await ignoreFolder(thrown, path);
    return true;
  }
}

/** A file in its place is an error. */
async function ignoreFolder(thrown: unknown, path: string): Promise<void> {
  if (systemCode(thrown) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw thrown;
}
