/** The buckets of the embedded store: the folders of its root. */

import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../errors.js';
import { compareKeys } from '../key-order.js';
import type { FolderNames } from './folder-names.js';
import { listKeys } from './list-keys.js';
import { removeUploads } from './multipart-uploads.js';
import { recordFolder } from './object-record.js';
import { bucketExists, bucketFolder, isBucketName, oddFolder } from './placement.js';

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
export function createBucket(root: string, name: string): 'created' | 'exists' {
  try {
    mkdirSync(root, { recursive: true });
    mkdirSync(bucketFolder(root, name));
    return 'created';
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST' && bucketExists(root, name)) return 'exists';
    throw thrown;
  }
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
  const folder = bucketFolder(root, name);
  try {
    await removeEmptyFolders(folder);
    rmdirSync(folder);
  } catch (thrown) {
    if (['ENOTEMPTY', 'EEXIST'].includes(systemCode(thrown) ?? '')) return 'not empty';
    if (systemCode(thrown) !== 'ENOENT') throw thrown;
  }
  await rm(oddFolder(root, name), { recursive: true, force: true });
  await rm(recordFolder(root, name), { recursive: true, force: true });
  await removeUploads(root, name);
  return 'deleted';
}

async function removeEmptyFolders(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    await removeEmptyFolders(path);
    await rmdir(path);
  }
}

async function readNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}
