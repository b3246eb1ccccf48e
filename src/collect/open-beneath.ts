/**
 * Opens what lies below a folder that a running container may change at any time: part by part, each from the descriptor of the
 * one before, so that no link in the place of a folder leads anywhere else. Linux only.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { systemCode } from '../errors.js';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** O_PATH, which Node does not name: to look at what is there without opening it. */
const LOOK = 0o10000000 | constants.O_NOFOLLOW;

/** `path` is relative to the root; empty for the root itself. Throws what `open` throws, ELOOP or ENOTDIR for a link. */
export async function openFolderBeneath(root: string, path: string): Promise<FileHandle> {
  let handle = await open(root, FOLDER);
  for (const part of path === '' ? [] : path.split('/')) {
    const parent = handle;
    try {
      handle = await open(`${within(parent)}/${part}`, FOLDER);
    } finally {
      await parent.close();
    }
  }
  return handle;
}

/** Null for what is no plain file: a device would be this machine's, and a FIFO would wait. */
export async function openFileBeneath(root: string, path: string): Promise<FileHandle | null> {
  const slash = path.lastIndexOf('/');
  await using folder = await openFolderBeneath(root, slash === -1 ? '' : path.slice(0, slash));
  await using found = await open(`${within(folder)}/${path.slice(slash + 1)}`, LOOK);
  if (!(await found.stat()).isFile()) return null;
  return await open(within(found), constants.O_RDONLY);
}

/** The path of what a handle holds, whatever its name is by now. */
export function within({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}

/** Gone, or a link or device in its place: nothing that can be sent. */
export function isGone(thrown: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENODEV'].includes(systemCode(thrown) ?? '');
}
