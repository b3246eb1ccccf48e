/** What every store must do, whatever it is made of. Run against each of them. */

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareKeys } from '../../src/store/key-order.js';
import type { ListedObject, Store } from '../../src/store/port.js';

export const BUCKET = 'contract-bucket';

/** What a server is known not to do; asserted as such. */
export interface Limits {
  /** Keys that it does not take. */
  readonly refusedKeys: readonly string[];
  /** What becomes of "a/b" beside "a": kept, refused, or taken and not listed. */
  readonly besideIsFile: 'kept' | 'refused' | 'hidden';
}

export interface Subject {
  readonly name: string;
  readonly limits: Limits;
  /** The store has an empty bucket `BUCKET` and no other. */
  open(): Promise<Store>;
  /** Names of whatever an unfinished upload has left behind. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

const signal = new AbortController().signal;

export const ODD_KEYS: readonly string[] = [
  '../escape',
  'a/../../b',
  './dot',
  'x/./y',
  'double//slash',
  '/leading',
  'trailing/',
  'with space/and  two',
  'plus+plus',
  'percent%2Fslash',
  'percent%zz',
  'ünïcode/日本/😀',
  'quote\'s("*)!~',
  'amp&<lt>"quot"',
  'newline\nand\ttab',
  `${'k'.repeat(255)}/${'l'.repeat(255)}/${'m'.repeat(255)}/${'n'.repeat(256)}`,
  'é'.repeat(300),
  'question?mark#hash',
  'back\\slash',
  '.optml/tmp/x',
];

export function storeContract(subject: Subject): void {
  describe(subject.name, () => {
    let store: Store;
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'optml-contract-'));
      store = await subject.open();
    });
    afterAll(async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
      await subject.close();
    });

    async function fetched(object: ListedObject): Promise<Buffer> {
      const file = join(folder, createHash('sha256').update(object.key).digest('hex'));
      await store.download({ bucket: BUCKET, ...object }, file, { signal });
      const bytes = await readFile(file);
      expect(statSync(file).mode & 0o777).toBe(0o644);
      await rm(file);
      return bytes;
    }

    for (const key of ODD_KEYS.filter(odd => !subject.limits.refusedKeys.includes(odd)))
      it(`keeps the key ${JSON.stringify(key.slice(0, 40))}`, async () => {
        const body = key.endsWith('/') ? '' : `content of ${key}`;
        await put(store, key, body);
        const listed = await keysUnder(store, key);
        expect(listed.map(object => object.key)).toEqual([key]);
        expect(listed[0]?.size).toBe(Buffer.byteLength(body));
        expect((await fetched(first(listed))).toString()).toBe(body);
      });

    for (const key of subject.limits.refusedKeys)
      it(`is known not to take the key ${JSON.stringify(key.slice(0, 40))}`, async () => {
        const taken = await put(store, key, 'x').then(
          () => keysUnder(store, key),
          () => [],
        );
        expect(taken.map(object => object.key)).not.toEqual([key]);
      });

    // Each store is held to what it can do, or to what it is known not to.
    if (subject.limits.besideIsFile === 'kept')
      it('keeps "a" beside "a/b", in either order of writing', async () => {
        await put(store, 'beside/1', 'file');
        await put(store, 'beside/1/x', 'below');
        await put(store, 'beside/2/x', 'below');
        await put(store, 'beside/2', 'file');
        const listed = await keysUnder(store, 'beside/');
        expect(listed.map(object => object.key)).toEqual([
          'beside/1',
          'beside/1/x',
          'beside/2',
          'beside/2/x',
        ]);
        expect((await fetched(at(listed, 2))).toString()).toBe('file');
        expect((await fetched(at(listed, 1))).toString()).toBe('below');
      });
    else if (subject.limits.besideIsFile === 'hidden')
      it('is known to hide "a/b" beside "a"', async () => {
        await put(store, 'beside/1', 'file');
        await put(store, 'beside/1/x', 'below');
        const listed = await keysUnder(store, 'beside/');
        expect(listed.map(object => object.key)).toEqual(['beside/1']);
      });
    else
      it('is known to refuse "a/b" beside "a"', async () => {
        await put(store, 'beside/1', 'file');
        await expect(put(store, 'beside/1/x', 'below')).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
      });

    it('lists in the order of the UTF-8 bytes', async () => {
      const keys = ['a/b', 'a-b', 'a.b', 'a0', 'a/b/c-', 'a/c', 'A', 'ä', '\ufb01', '😀', 'z'].map(
        key => `order/${key}`,
      );
      const stored = subject.limits.besideIsFile === 'kept' ? keys : keys.filter(key => key !== 'order/a/b');
      for (const key of stored) await put(store, key, 'x');
      const listed = await keysUnder(store, 'order/');
      expect(listed.map(object => object.key)).toEqual(
        [...stored].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      );
      expect((await keysUnder(store, 'order/a')).map(object => object.key)).toEqual(
        [...stored].filter(key => key.startsWith('order/a')).sort(compareKeys),
      );
    });

    it('lists 1,500 objects, page after page', async () => {
      const keys = Array.from(
        { length: 1_500 },
        (_, index) => `many/${String(index % 7)}/${String(index).padStart(5, '0')}`,
      );
      await inParallel(keys, key => put(store, key, ''));
      const listed = await keysUnder(store, 'many/');
      expect(listed.map(object => object.key)).toEqual([...keys].sort(compareKeys));
    });

    it('keeps an empty object', async () => {
      await put(store, 'empty', '');
      const listed = await keysUnder(store, 'empty');
      expect(listed[0]?.size).toBe(0);
      expect(await fetched(first(listed))).toHaveLength(0);
    });

    it('takes 20 MiB as a stream, and gives them back', async () => {
      const body = randomBytes(20 * 1024 * 1024 + 1);
      let sent = 0;
      await store.upload({ bucket: BUCKET, key: 'large/object' }, inChunks(body, 100_001), {
        signal,
        onBytes: bytes => (sent += bytes),
      });
      const listed = await keysUnder(store, 'large/');
      expect(listed).toMatchObject([{ key: 'large/object', size: body.length }]);
      expect(Buffer.compare(await fetched(first(listed)), body)).toBe(0);
      expect(sent).toBe(body.length);
    });

    it('replaces an object as a whole', async () => {
      await put(store, 'replaced', 'first');
      const [before] = await keysUnder(store, 'replaced');
      await put(store, 'replaced', 'other');
      const [after] = await keysUnder(store, 'replaced');
      expect(after?.etag).not.toBe(before?.etag);
      expect((await fetched(first([after]))).toString()).toBe('other');
      await expect(fetched(first([before]))).rejects.toMatchObject({ code: 'OBJECT_CHANGED' });
    });

    it('refuses an object that is gone', async () => {
      await put(store, 'here', 'x');
      const listed = first(await keysUnder(store, 'here'));
      await expect(fetched({ ...listed, key: 'gone' })).rejects.toMatchObject({
        code: 'OBJECT_CHANGED',
        message: expect.stringContaining(`s3://${BUCKET}/gone`) as string,
      });
      expect(existsSync(join(folder, 'gone'))).toBe(false);
    });

    it('refuses to replace a file by a download', async () => {
      await put(store, 'twice', 'x');
      const object = { bucket: BUCKET, ...first(await keysUnder(store, 'twice')) };
      const file = join(folder, 'twice');
      await store.download(object, file, { signal });
      await expect(store.download(object, file, { signal })).rejects.toMatchObject({
        code: 'OBJECT_UNPLACEABLE',
      });
      expect((await readFile(file)).toString()).toBe('x');
    });

    for (const [what, bytes] of [
      ['a short', 1_000],
      ['a long', 12 * 1024 * 1024],
    ] as const) {
      it(`leaves nothing of ${what} upload whose stream fails`, async () => {
        const failure = new Error('the packer failed');
        await expect(
          store.upload({ bucket: BUCKET, key: `broken/${what}` }, failingAfter(bytes, failure), { signal }),
        ).rejects.toBe(failure);
        expect(await keysUnder(store, 'broken/')).toEqual([]);
        expect(await subject.leftovers()).toEqual([]);
      });

      it(`leaves nothing of ${what} upload that is aborted while its stream is silent`, async () => {
        const abort = new AbortController();
        const body = silentAfter(bytes, () => abort.abort(new Error('stopped')));
        await expect(
          store.upload({ bucket: BUCKET, key: `stopped/${what}` }, body, { signal: abort.signal }),
        ).rejects.toThrow('stopped');
        expect(await keysUnder(store, 'stopped/')).toEqual([]);
        expect(await subject.leftovers()).toEqual([]);
      });
    }

    it('names a missing bucket', async () => {
      const missing = { bucket: 'no-such-bucket', key: '' };
      await expect(collect(store.list(missing, signal))).rejects.toMatchObject({
        code: 'BUCKET_MISSING',
        message: expect.stringContaining('"no-such-bucket"') as string,
      });
      await expect(
        store.upload({ ...missing, key: 'k' }, inChunks(Buffer.from('x'), 1), { signal }),
      ).rejects.toMatchObject({ code: 'BUCKET_MISSING' });
    });

    it('stops when asked to, before and during a listing', async () => {
      const reason = new Error('enough');
      await expect(collect(store.list({ bucket: BUCKET, key: '' }, AbortSignal.abort(reason)))).rejects.toBe(
        reason,
      );
      const abort = new AbortController();
      const listing = async (): Promise<void> => {
        for await (const object of store.list({ bucket: BUCKET, key: 'many/' }, abort.signal))
          if (object.key !== '') abort.abort(reason);
      };
      await expect(listing()).rejects.toBe(reason);
    });

    it('lets its outputs be prepared', async () => {
      await expect(store.prepareOutput({ bucket: BUCKET, key: 'out/' }, signal)).resolves.toBeUndefined();
    });
  });
}

export async function put(store: Store, key: string, body: string | Buffer): Promise<void> {
  await store.upload({ bucket: BUCKET, key }, inChunks(Buffer.from(body), 64 * 1024), { signal });
}

export function keysUnder(store: Store, key: string): Promise<ListedObject[]> {
  return collect(store.list({ bucket: BUCKET, key }, signal));
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function* inChunks(body: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += size) yield await Promise.resolve(body.subarray(at, at + size));
}

async function* failingAfter(bytes: number, failure: Error): AsyncGenerator<Uint8Array> {
  yield* inChunks(Buffer.alloc(bytes, 1), 1024 * 1024);
  throw failure;
}

async function* silentAfter(bytes: number, onSilence: () => void): AsyncGenerator<Uint8Array> {
  yield* inChunks(Buffer.alloc(bytes, 1), 1024 * 1024);
  onSilence();
  await new Promise(() => undefined);
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

export function first<T>(items: readonly (T | undefined)[]): T {
  return at(items, 0);
}

function at<T>(items: readonly (T | undefined)[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}
