/**
 * Opens what lies below a folder that a running container may change at any time: part by part, each from the descriptor of the
 * one before, so that no link in the place of a folder leads anywhere else. Linux only.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { systemCode } from '../errors.js';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Never through a link, never waiting on a FIFO. */
export const ANYTHING = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** `path` is relative to the root; empty for the root itself. Throws what `open` throws, ELOOP for a link. */
export async function openBeneath(
  root: string,
  path: string,
  wanted: 'folder' | 'anything',
): Promise<FileHandle> {
  const parts = path === '' ? [] : path.split('/');
  let handle = await open(root, FOLDER);
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    const parent = handle;
    try {
      handle = await open(`${within(parent)}/${part}`, isLast && wanted === 'anything' ? ANYTHING : FOLDER);
    } finally {
      await parent.close();
    }
  }
  return handle;
}

/** The path of what a handle holds, whatever its name is by now. */
export function within({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}

/** Gone, or a link or device in its place: nothing that can be sent. */
export function isGone(thrown: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENODEV'].includes(systemCode(thrown) ?? '');
}
