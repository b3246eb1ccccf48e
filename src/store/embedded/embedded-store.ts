/** The store that needs no server: buckets are folders, objects are ordinary files. */

import { mkdir, rm } from 'node:fs/promises';
import { asOptmlError, OptmlError } from '../../errors.js';
import { readUntilAborted } from '../body.js';
import { changed, copyObjectFile, writeAll } from '../file-object.js';
import { compareKeys, mergeByKey } from '../key-order.js';
import type {
  ListedObject,
  ObjectAddress,
  ObjectReading,
  Store,
  StoredObject,
  UploadBody,
  UploadOptions,
} from '../port.js';
import { readObjectFile } from '../read-file.js';
import { walkFolder } from '../walk-folder.js';
import { createBucket } from './buckets.js';
import { findObject, placeObject, removeObject } from './object-files.js';
import {
  plainPath,
  assertStorable,
  bucketExists,
  bucketFolder,
  isBucketName,
  keyOfOddPath,
  oddFolder,
} from './placement.js';
import { createTemporary } from './temporary.js';

/**
 * The store in `root` (`HOME/s3`): object `x/y.csv` of bucket `b` is `root/b/x/y.csv`, and a file put there by hand
 * is an object. Keys that are no paths lie in `root/.optml`. Several processes may use one root at once.
 */
export function createEmbeddedStore(root: string): Store {
  const name = `the embedded store in ${root}`;

  function assertBucket(bucket: string): void {
    if (!isBucketName(bucket))
      throw new OptmlError(
        'BUCKET_MISSING',
        `Bucket "${bucket}" cannot exist in ${name}: expected 3 to 255 of the characters A-Z a-z 0-9 . _ - with no dot in front; choose another name.`,
      );
    if (!bucketExists(root, bucket))
      throw new OptmlError(
        'BUCKET_MISSING',
        `Bucket "${bucket}" does not exist in ${name}: make it with mkdir -p ${bucketFolder(root, bucket)}, and put its objects there as files.`,
      );
  }

  async function* list(prefix: ObjectAddress, signal: AbortSignal): AsyncGenerator<StoredObject> {
    signal.throwIfAborted();
    assertBucket(prefix.bucket);
    const folder = bucketFolder(root, prefix.bucket);
    const plain = walkFolder({ folder, prefix: prefix.key, links: 'absent', signal });
    yield* mergeByKey<StoredObject>([plain, listOdd(root, prefix, signal)]);
  }

  async function download(
    object: ObjectAddress & ListedObject,
    file: string,
    options: { readonly signal: AbortSignal; readonly onBytes?: (bytes: number) => void },
  ): Promise<void> {
    const found = findObject(root, object);
    if (found === null) throw changed(object, 'it is gone');
    await copyObjectFile({ source: found.path, object, file, ...options });
  }

  async function read(object: ObjectAddress & ListedObject, signal: AbortSignal): Promise<ObjectReading> {
    const found = findObject(root, object);
    if (found === null) throw changed(object, 'it is gone');
    return readObjectFile(found.path, object, signal);
  }

  async function upload(
    address: ObjectAddress,
    body: UploadBody,
    { signal, onBytes }: UploadOptions,
  ): Promise<void> {
    signal.throwIfAborted();
    assertBucket(address.bucket);
    assertStorable(address);
    const { path, handle } = await createTemporary(root).catch(rethrowExplained);
    try {
      try {
        for await (const chunk of readUntilAborted(body, signal)) {
          await writeAll(handle, chunk).catch(rethrowExplained);
          onBytes?.(chunk.length);
        }
        await handle.sync().catch(rethrowExplained);
      } finally {
        await handle.close();
      }
      signal.throwIfAborted();
      await placeObject(root, address, path);
    } finally {
      await rm(path, { force: true });
    }
  }

  async function remove(address: ObjectAddress, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    assertBucket(address.bucket);
    await removeObject(root, address).catch(rethrowExplained);
  }

  async function prepareOutput({ bucket }: ObjectAddress, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (isBucketName(bucket)) await createBucket(root, bucket).catch(rethrowExplained);
    assertBucket(bucket);
  }

  /** An object that no path can be lies among the odd ones; a prefix is a folder. */
  function locate(address: ObjectAddress): string | null {
    return findObject(root, address)?.path ?? plainPath(root, address);
  }

  async function check(): Promise<void> {
    await mkdir(root, { recursive: true }).catch(rethrowExplained);
  }

  return {
    name,
    list,
    download,
    read,
    upload,
    remove,
    // Its uploads are files that bear their process's name, and are swept with it.
    abandon: () => Promise.resolve(),
    prepareOutput,
    locate,
    check,
    close: () => Promise.resolve(),
  };
}

/** Keys that are no paths are few: they are sorted in memory. */
async function* listOdd(
  root: string,
  { bucket, key: prefix }: ObjectAddress,
  signal: AbortSignal,
): AsyncGenerator<StoredObject> {
  const found: StoredObject[] = [];
  for await (const file of walkFolder({
    folder: oddFolder(root, bucket),
    prefix: '',
    links: 'absent',
    signal,
  })) {
    const key = keyOfOddPath(file.key);
    if (key?.startsWith(prefix) === true) found.push({ ...file, key });
  }
  yield* found.sort((a, b) => compareKeys(a.key, b.key));
}

function rethrowExplained(thrown: unknown): never {
  throw asOptmlError(thrown);
}
