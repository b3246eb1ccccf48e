/** How a finished file becomes an object: in one step, at its plain path, or apart where that path is taken. */

import { linkSync, lstatSync, mkdirSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asOptmlError, OptmlError, systemCode } from '../../errors.js';
import type { ObjectAddress } from '../port.js';
import { bucketFolder, leadsThroughFolders, oddPath, plainPath } from './placement.js';

/** Another process may prune a folder between its making and the rename into it. */
const PRUNED_TRIES = 10;

export interface Placing {
  readonly root: string;
  readonly address: ObjectAddress;
  /** A finished file on the same file system; it is gone afterwards. */
  readonly temporary: string;
  /** Only where no object is: nothing is ever replaced. */
  readonly create: boolean;
}

/**
 * Makes a finished temporary file the object, in one step, and returns where it lies: at its plain path, or apart
 * where a file stands in the place of a folder or a folder in the place of the file. Null when something was there
 * and `create` was asked for. Nothing else of this process runs meanwhile.
 */
export function placeAtOnce(placing: Placing): string | null {
  const { root, address } = placing;
  const plain = plainPath(root, address);
  const odd = oddPath(root, address);
  if (plain !== null) {
    if (placing.create && exists(odd)) return null;
    const placed = placePlain(placing, plain);
    if (placed === 'taken') return null;
    if (placed === 'placed') {
      if (exists(odd)) rmSync(odd, { force: true });
      return plain;
    }
  }
  // What lies apart would be kept also where the bucket is gone, and belong to the next one of its name.
  statSync(bucketFolder(root, address.bucket));
  return moveInto(placing, odd) ? odd : null;
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function placePlain(placing: Placing, plain: string): 'placed' | 'taken' | 'impossible' {
  const { root, address } = placing;
  for (let tries = 1; ; tries++) {
    try {
      if (tries > 1 || !leadsThroughFolders(root, address)) {
        makeFolders(root, address);
        if (!leadsThroughFolders(root, address)) return 'impossible';
      }
      return move(placing, plain) ? 'placed' : 'taken';
    } catch (thrown) {
      const code = systemCode(thrown) ?? '';
      if (code === 'ENOENT' && tries < PRUNED_TRIES) continue;
      if (['EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY', 'ENAMETOOLONG', 'ELOOP'].includes(code))
        return 'impossible';
      throw explainPlacing(thrown, plain);
    }
  }
}

/** False when an object is there and must not be replaced. */
function move({ temporary, create }: Placing, path: string): boolean {
  if (!create) {
    renameSync(temporary, path);
    return true;
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isFile() === true) return false;
  if (found !== undefined) {
    // A link or a FIFO is no object: it gives way, and a folder does not.
    renameSync(temporary, path);
    return true;
  }
  try {
    linkSync(temporary, path);
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST' && lstatSync(path, { throwIfNoEntry: false })?.isFile() === true)
      return false;
    throw thrown;
  }
  unlinkSync(temporary);
  return true;
}

/** One level after the other, so that nothing is made behind a link. */
function makeFolders(root: string, { bucket, key }: ObjectAddress): void {
  let path = bucketFolder(root, bucket);
  for (const segment of key.split('/').slice(0, -1)) {
    path = join(path, segment);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) makeFolder(path);
    else if (!found.isDirectory()) return;
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST') throw thrown;
  }
}

function moveInto(placing: Placing, path: string): boolean {
  for (let tries = 1; ; tries++) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      return move(placing, path);
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOENT' || tries >= PRUNED_TRIES) throw explainPlacing(thrown, path);
    }
  }
}

function explainPlacing(thrown: unknown, path: string): Error {
  // The bucket itself is gone.
  if (systemCode(thrown) === 'ENOENT' && thrown instanceof Error) return thrown;
  if (systemCode(thrown) !== 'EXDEV') return asOptmlError(thrown);
  return new OptmlError(
    'FILE_UNUSABLE',
    `${path} lies on another file system than the rest of the embedded store: expected one file system, so that objects appear whole; mount it elsewhere and use --map, or move --home there.`,
    { cause: thrown },
  );
}
