/** The buckets of the embedded store: the folders of its root. */

import { mkdirSync, renameSync, rmdirSync, statSync } from 'node:fs';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../errors.js';
import { compareKeys } from '../key-order.js';
import type { FolderNames } from './folder-names.js';
import { listKeys } from './list-keys.js';
import { bucketUploads } from './multipart-uploads.js';
import { recordFolder } from './object-record.js';
import { bucketExists, bucketFolder, isBucketName, oddFolder } from './placement.js';
import { underLock } from './store-lock.js';
import { temporaryPath } from './temporary.js';

export interface Bucket {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

export async function listBuckets(root: string): Promise<Bucket[]> {
  const found: Bucket[] = [];
  for (const name of (await readNames(root)).sort(compareKeys)) {
    if (!isBucketName(name) || !bucketExists(root, name)) continue;
    const stats = statSync(bucketFolder(root, name), { throwIfNoEntry: false });
    // Not every file system knows when a file was made.
    if (stats !== undefined)
      found.push({ name, created: stats.birthtimeMs > 0 ? stats.birthtimeMs : stats.ctimeMs });
  }
  return found;
}

/** `exists` when there was one already. */
export async function createBucket(root: string, name: string): Promise<'created' | 'exists'> {
  if (bucketExists(root, name)) return 'exists';
  const { made, rest } = await underBucketLock(root, name, () => createNow(root, name));
  await removeAll(rest);
  return made;
}

/** One makes or deletes the bucket at a time, also among processes: what goes with one is never the next one's. */
function underBucketLock<T>(root: string, name: string, action: () => T): Promise<T> {
  // No object has this key.
  return underLock(root, { bucket: name, key: '' }, action);
}

function createNow(root: string, name: string): { readonly made: 'created' | 'exists'; rest: string[] } {
  if (bucketExists(root, name)) return { made: 'exists', rest: [] };
  // Of a process that died as it deleted one of this name.
  const rest = putAside(root, [bucketUploads(root, name)]);
  mkdirSync(root, { recursive: true });
  mkdirSync(bucketFolder(root, name));
  return { made: 'created', rest };
}

/** Removes a bucket without objects; anything else in its folder, too, keeps it. Folders that hold nothing go with it. */
export async function deleteBucket(
  root: string,
  name: string,
  names: FolderNames,
): Promise<'deleted' | 'not empty'> {
  const keys = listKeys({ root, bucket: name, prefix: '', from: '', delimiter: '', names });
  const first = await keys.next();
  await keys.return(undefined);
  if (first.done !== true) return 'not empty';
  let rest: string[];
  try {
    for (const folder of [oddFolder(root, name), bucketFolder(root, name)]) await removeEmptyFolders(folder);
    rest = await underBucketLock(root, name, () => deleteNow(root, name));
  } catch (thrown) {
    if (['ENOTEMPTY', 'EEXIST'].includes(systemCode(thrown) ?? '')) return 'not empty';
    throw thrown;
  }
  await removeAll(rest);
  return 'deleted';
}

/**
 * Throws ENOTEMPTY when an object has come meanwhile. Nothing else of this process runs until all that belongs to the bucket is
 * out of the way of the next one of that name; what is to be removed is returned.
 */
function deleteNow(root: string, name: string): string[] {
  for (const folder of [oddFolder(root, name), bucketFolder(root, name)]) unlessGone(() => rmdirSync(folder));
  return putAside(root, [recordFolder(root, name), bucketUploads(root, name)]);
}

/** Gives where they are now; those that are not there are left out. */
function putAside(root: string, folders: readonly string[]): string[] {
  return folders.flatMap(folder => {
    const aside = temporaryPath(root);
    return unlessGone(() => renameSync(folder, aside)) ? [aside] : [];
  });
}

async function removeAll(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
}

/** Whether it was there. */
function unlessGone(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown;
    return false;
  }
}

/** Others may prune the same folders. */
async function removeEmptyFolders(folder: string): Promise<void> {
  for (const entry of (await orNull(readdir(folder, { withFileTypes: true }))) ?? []) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    await removeEmptyFolders(path);
    await orNull(rmdir(path));
  }
}

async function readNames(folder: string): Promise<string[]> {
  return (await orNull(readdir(folder))) ?? [];
}

/** Null where nothing was found. */
async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}
