/** The files of the embedded store: find one, put one in its place, remove one. */

import { lstatSync } from 'node:fs';
import { mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asOptmlError, OptmlError, systemCode } from '../../errors.js';
import { statFile, type FileFacts } from '../file-object.js';
import type { ObjectAddress } from '../port.js';
import { bucketFolder, leadsThroughFolders, oddFolder, oddPath, plainPath } from './placement.js';

export interface ObjectFile extends FileFacts {
  readonly path: string;
}

/** The file that holds the object now; null when there is no such object. A plain file goes before one kept apart. */
export function findObject(root: string, address: ObjectAddress): ObjectFile | null {
  const plain = plainPath(root, address);
  if (plain !== null && leadsThroughFolders(root, address)) {
    const facts = statFile(plain);
    if (facts !== null) return { path: plain, ...facts };
  }
  const odd = oddPath(root, address);
  const facts = statFile(odd);
  return facts === null ? null : { path: odd, ...facts };
}

/** Another process may prune a folder between its making and the rename into it. */
const PRUNED_TRIES = 10;

/**
 * Makes a finished temporary file the object, in one step. The object lies at its plain path, or apart where a
 * file stands in the place of a folder or a folder in the place of the file.
 */
export async function placeObject(root: string, address: ObjectAddress, temporary: string): Promise<void> {
  const plain = plainPath(root, address);
  if (plain !== null && (await placePlain({ root, address, temporary, plain }))) {
    await rm(oddPath(root, address), { force: true });
    return;
  }
  await moveInto(temporary, oddPath(root, address));
}

async function placePlain({
  root,
  address,
  temporary,
  plain,
}: {
  readonly root: string;
  readonly address: ObjectAddress;
  readonly temporary: string;
  readonly plain: string;
}): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    try {
      await makeFolders(root, address);
      if (!leadsThroughFolders(root, address)) return false;
      await rename(temporary, plain);
      await syncFolder(dirname(plain));
      return true;
    } catch (thrown) {
      const code = systemCode(thrown) ?? '';
      if (code === 'ENOENT' && tries < PRUNED_TRIES) continue;
      if (['EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY', 'ENAMETOOLONG', 'ELOOP'].includes(code)) return false;
      throw explainPlacing(thrown, plain);
    }
  }
}

/** One level after the other, so that nothing is made behind a link. */
async function makeFolders(root: string, { bucket, key }: ObjectAddress): Promise<void> {
  let path = bucketFolder(root, bucket);
  for (const segment of key.split('/').slice(0, -1)) {
    path = join(path, segment);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) await makeFolder(path);
    else if (!found.isDirectory()) return;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST') throw thrown;
  }
}

async function moveInto(temporary: string, path: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await mkdir(dirname(path), { recursive: true });
      await rename(temporary, path);
      await syncFolder(dirname(path));
      return;
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOENT' || tries >= PRUNED_TRIES) throw explainPlacing(thrown, path);
    }
  }
}

/** A rename is on the disk only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

function explainPlacing(thrown: unknown, path: string): OptmlError {
  if (systemCode(thrown) !== 'EXDEV') return asOptmlError(thrown);
  return new OptmlError(
    'FILE_UNUSABLE',
    `${path} lies on another file system than the rest of the embedded store: expected one file system, so that objects appear whole; mount it elsewhere and use --map, or move --home there.`,
    { cause: thrown },
  );
}

/** Removes an object, and folders that are empty then; no error when it is not there. */
export async function removeObject(root: string, address: ObjectAddress): Promise<void> {
  const plain = plainPath(root, address);
  if (plain !== null && leadsThroughFolders(root, address)) {
    if (statFile(plain) !== null) await rm(plain, { force: true });
    await pruneUpTo(dirname(plain), bucketFolder(root, address.bucket));
  }
  const odd = oddPath(root, address);
  await rm(odd, { force: true });
  await pruneUpTo(dirname(odd), oddFolder(root, address.bucket));
}

async function pruneUpTo(path: string, end: string): Promise<void> {
  for (let folder = path; folder !== end; folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch (thrown) {
      const code = systemCode(thrown);
      if (code !== 'ENOENT') return;
    }
  }
}
