/** What tells one state of a file from every other: metadata holds only for the state that it was written for. */

import { closeSync, constants, fstatSync, futimesSync, lstatSync, openSync, type BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { systemCode } from '../../errors.js';

export type FileStamp = Pick<BigIntStats, 'ino' | 'mtimeNs' | 'size'>;

/** The stamp of an ordinary file; null for what is missing, or is a link, a folder, a FIFO or a device. */
export function stampOf(path: string): FileStamp | null {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats?.isFile() === true ? stats : null;
}

export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.ino === b.ino && a.mtimeNs === b.mtimeNs && a.size === b.size;
}

/** The kernel's times advance in ticks: what was changed this long ago shows any change from now on. */
const TICK_NS = 100_000_000n;

export function isSettled({ mtimeNs }: Pick<FileStamp, 'mtimeNs'>): boolean {
  return BigInt(Date.now()) * 1_000_000n - mtimeNs > TICK_NS;
}

/** Last-Modified of a file with this stamp, in milliseconds since 1970: S3 knows whole seconds only. */
export function modifiedAt({ mtimeNs }: FileStamp): number {
  return Number(mtimeNs / 1_000_000_000n) * 1000;
}

/**
 * Gives a finished file a time of its own, and returns its stamp. The kernel's times advance in steps of some
 * milliseconds, in which an inode can be freed and used again.
 */
export function stampFile(descriptor: number): FileStamp {
  const seconds = (nextMicrosecond() + 0.5) / 1e6;
  futimesSync(descriptor, seconds, seconds);
  return fstatSync(descriptor, { bigint: true });
}

export async function stampHandle(handle: FileHandle): Promise<FileStamp> {
  const seconds = (nextMicrosecond() + 0.5) / 1e6;
  await handle.utimes(seconds, seconds);
  return await handle.stat({ bigint: true });
}

let last = 0;

/**
 * The clock's milliseconds, told apart by the microseconds of a finer one. The two do not begin together, so within a
 * millisecond these run over once: what is stamped later is never stamped earlier all the same.
 */
function nextMicrosecond(): number {
  const now = Date.now() * 1000 + Number((process.hrtime.bigint() / 1000n) % 1000n);
  // A clock that was set back is followed.
  last = now > last || last - now > 1_000_000 ? now : last + 1;
  return last;
}

/**
 * Opens an ordinary file for reading; null for what is missing or is anything else. Never waits for a FIFO, never
 * follows a link in the last place.
 */
export function openFile(path: string): { readonly descriptor: number; readonly stamp: FileStamp } | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENAMETOOLONG'].includes(systemCode(thrown) ?? ''))
      return null;
    throw thrown;
  }
  const stats = fstatSync(descriptor, { bigint: true });
  if (stats.isFile()) return { descriptor, stamp: stats };
  closeSync(descriptor);
  return null;
}
