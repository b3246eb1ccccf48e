/** Deleting a bucket while others use it, or make it anew. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createBucket, deleteBucket } from '../../src/store/embedded/buckets.js';
import { stampFile } from '../../src/store/embedded/file-stamp.js';
import { createFolderNames } from '../../src/store/embedded/folder-names.js';
import { createUpload, findUpload } from '../../src/store/embedded/multipart-uploads.js';
import {
  deleteObject,
  statObject,
  UNCONDITIONAL,
  writeObject,
} from '../../src/store/embedded/object-files.js';
import { makeTemporary } from '../../src/store/embedded/temporary.js';
import { BUCKET } from './contract.js';

const names = createFolderNames();
let root: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'optml-buckets-'));
  await createBucket(root, BUCKET);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const remove = () => deleteBucket(root, BUCKET, names);
const folder = (...below: string[]) => join(root, BUCKET, ...below);
const etagOf = (key: string) => statObject(root, { bucket: BUCKET, key })?.record.etag;

function write(key: string): void {
  const { path, result } = makeTemporary(root, descriptor => {
    writeFileSync(descriptor, key);
    return stampFile(descriptor);
  });
  void writeObject({
    root,
    address: { bucket: BUCKET, key },
    temporary: path,
    stamp: result,
    record: { etag: `etag of ${key}`, headers: {} },
    condition: UNCONDITIONAL,
  });
}

const begin = (key: string): string =>
  createUpload(root, BUCKET, { key, initiated: Date.now(), headers: {}, tags: [], checksum: null });

it('leaves alone all that comes into the next bucket of its name', async () => {
  // Of uploads so many that to remove them takes a while.
  for (let count = 0; count < 300; count++) begin('old');
  const deleting = remove();
  while (existsSync(folder())) await turn();
  expect(await createBucket(root, BUCKET)).toBe('created');
  for (const key of ['plain', 'no//path/']) write(key);
  const uploadId = begin('new');
  expect(await deleting).toBe('deleted');
  expect(['plain', 'no//path/'].map(etagOf)).toEqual(['etag of plain', 'etag of no//path/']);
  expect(findUpload(root, { bucket: BUCKET, key: 'new', uploadId })).not.toBeNull();
});

it.each(['plain', 'no//path/'])('keeps it when an object comes just before: %s', async key => {
  // So many folders are pruned one after the other, after the keys were looked for.
  for (let count = 0; count < 100; count++) mkdirSync(folder(String(count)));
  const deleting = remove();
  while (readdirSync(folder()).length === 100) await turn();
  write(key);
  expect(await deleting).toBe('not empty');
  expect([existsSync(folder()), etagOf(key)]).toEqual([true, `etag of ${key}`]);
});

it('goes on where others prune the same empty folders', async () => {
  const empty = Array.from({ length: 200 }, (_, index) => folder(String(index)));
  for (const path of empty) mkdirSync(path);
  const deleting = remove();
  for (const path of empty.reverse()) {
    if (existsSync(path)) rmdirSync(path);
    await turn();
  }
  expect([await deleting, existsSync(folder())]).toEqual(['deleted', false]);
});

it('takes no object that arrives when it is gone, wherever that would lie', async () => {
  expect(await remove()).toBe('deleted');
  for (const key of ['plain', 'in/folder', 'no//path/']) expect(() => write(key)).toThrow('ENOENT');
  await createBucket(root, BUCKET);
  expect(['plain', 'in/folder', 'no//path/'].map(etagOf)).toEqual([undefined, undefined, undefined]);
});

it('has one maker of a bucket, and one deleter, at a time', async () => {
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => createBucket(root, 'another')));
  expect(outcomes.filter(outcome => outcome === 'created')).toHaveLength(1);
  write('x');
  await deleteObject({ root, address: { bucket: BUCKET, key: 'x' }, condition: UNCONDITIONAL });
  expect(await Promise.all([remove(), remove()])).toEqual(['deleted', 'deleted']);
});

it('has none of the uploads of one that was deleted by a process which died in the middle', async () => {
  const uploadId = begin('old');
  rmdirSync(folder());
  expect(await createBucket(root, BUCKET)).toBe('created');
  expect(findUpload(root, { bucket: BUCKET, key: 'old', uploadId })).toBeNull();
  expect(readdirSync(join(root, '.optml/tmp'))).toEqual([]);
});
