/** What the embedded store promises beyond the contract: plain files, and nothing outside its folder. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEmbeddedStore } from '../../src/store/embedded/embedded-store.js';
import { findObject, removeObject } from '../../src/store/embedded/object-files.js';
import { keyOfOddPath, oddFolder, oddPath } from '../../src/store/embedded/placement.js';
import { createTemporary, sweepTemporary } from '../../src/store/embedded/temporary.js';
import { compareKeys } from '../../src/store/key-order.js';
import { BUCKET, collect, first, inChunks, keysUnder, ODD_KEYS, put } from './contract.js';

const signal = new AbortController().signal;
let parent: string;
let root: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'optml-files-'));
  root = join(parent, 'home', 's3');
  await mkdir(join(root, BUCKET), { recursive: true });
});
afterEach(() => rm(parent, { recursive: true, force: true }));

async function byHand(path: string, content: string): Promise<void> {
  const file = join(root, BUCKET, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

const keys = async (prefix = ''): Promise<string[]> =>
  (await keysUnder(createEmbeddedStore(root), prefix)).map(object => object.key);

describe('the embedded store', () => {
  it('keeps x/y.csv of a bucket as that file', async () => {
    await put(createEmbeddedStore(root), 'x/y.csv', 'a,b');
    expect(await readFile(join(root, BUCKET, 'x', 'y.csv'), 'utf8')).toBe('a,b');
  });

  it('takes a file that was put there by hand for an object', async () => {
    await byHand('train/x.csv', '1');
    const store = createEmbeddedStore(root);
    const object = first(await keysUnder(store, 'train/'));
    expect(object).toMatchObject({ key: 'train/x.csv', size: 1 });
    expect(object.etag).toMatch(/^[0-9a-f]+-1$/);
    expect(await keysUnder(store, 'train/')).toEqual([object]);
  });

  it('sees that a file was changed by hand after the listing', async () => {
    await byHand('x', '1');
    const store = createEmbeddedStore(root);
    const object = { bucket: BUCKET, ...first(await keysUnder(store, 'x')) };
    await appendFile(join(root, BUCKET, 'x'), '2');
    await expect(store.download(object, join(parent, 'out'), { signal })).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
    });
    expect(existsSync(join(parent, 'out'))).toBe(false);
  });

  it('writes nothing outside its folder, and odd keys only into its own', async () => {
    const store = createEmbeddedStore(root);
    for (const key of ['../escape', 'a/../../../escape', '/etc/escape', '..', '.', '....//x'])
      await put(store, key, 'x');
    expect(await readdir(parent)).toEqual(['home']);
    expect(await readdir(join(parent, 'home'))).toEqual(['s3']);
    expect((await readdir(root)).sort()).toEqual(['.optml', BUCKET]);
    expect(await readdir(join(root, BUCKET))).toEqual([]);
    expect(await keys()).toEqual(
      ['.', '..', '....//x', '../escape', '/etc/escape', 'a/../../../escape'].sort(compareKeys),
    );
  });

  it('neither lists nor reads nor writes through links', async () => {
    await mkdir(join(parent, 'outside'));
    await writeFile(join(parent, 'outside', 'secret'), 'secret');
    await symlink(join(parent, 'outside'), join(root, BUCKET, 'folder'));
    await symlink(join(parent, 'outside', 'secret'), join(root, BUCKET, 'file'));
    await symlink(join(parent, 'outside'), join(root, 'linked-bucket'));
    execFileSync('mkfifo', [join(root, BUCKET, 'fifo')]);
    const store = createEmbeddedStore(root);
    expect(await keys()).toEqual([]);
    expect(await keys('folder/')).toEqual([]);
    expect(findObject(root, { bucket: BUCKET, key: 'folder/secret' })).toBeNull();
    await expect(collect(store.list({ bucket: 'linked-bucket', key: '' }, signal))).rejects.toMatchObject({
      code: 'BUCKET_MISSING',
    });
    await put(store, 'folder/new', 'x');
    await put(store, 'file', 'mine');
    expect(await readdir(join(parent, 'outside'))).toEqual(['secret']);
    expect(await readFile(join(parent, 'outside', 'secret'), 'utf8')).toBe('secret');
    expect(await keys()).toEqual(['file', 'folder/new']);
  });

  it('reads only folders that the prefix can be in', async () => {
    await byHand('a/deep/x', '1');
    await byHand('a/deeper/x', '1');
    await byHand('b/x', '1');
    expect(await keys('a/deep')).toEqual(['a/deep/x', 'a/deeper/x']);
    expect(await keys('a/deep/')).toEqual(['a/deep/x']);
    expect(await keys('a/deep/x/')).toEqual([]);
    expect(await keys('c/')).toEqual([]);
  });

  it('gives way to a file by hand where it had kept the key apart', async () => {
    const store = createEmbeddedStore(root);
    await put(store, 'a', 'file');
    await put(store, 'a/b', 'apart');
    await rm(join(root, BUCKET, 'a'));
    expect(await keys()).toEqual(['a/b']);
    await byHand('a/b', 'by hand');
    expect(await keysUnder(store, '')).toMatchObject([{ key: 'a/b', size: 7 }]);
    await put(store, 'a/b', 'again');
    await removeObject(root, { bucket: BUCKET, key: 'a/b' });
    expect(await keys()).toEqual([]);
    expect(await readdir(join(root, BUCKET))).toEqual([]);
  });

  it('makes a bucket for outputs, as lenient with names as AWS once was', async () => {
    const store = createEmbeddedStore(root);
    await store.prepareOutput({ bucket: 'My_Bucket.1', key: 'out' }, signal);
    expect(await readdir(join(root, 'My_Bucket.1'))).toEqual([]);
    for (const bucket of ['..', '.optml', 'ab', 'a/b', 'a'.repeat(256), ''])
      await expect(store.prepareOutput({ bucket, key: '' }, signal)).rejects.toMatchObject({
        code: 'BUCKET_MISSING',
      });
  });

  it('refuses a key that S3 refuses', async () => {
    for (const key of ['', 'k'.repeat(1025), 'é'.repeat(513), '\ud800'])
      await expect(put(createEmbeddedStore(root), key, 'x')).rejects.toMatchObject({
        code: 'OBJECT_UNPLACEABLE',
      });
  });

  it('shows one writer, whole, when many write the same key at once', async () => {
    const bodies = Array.from({ length: 16 }, (_, index) => Buffer.alloc(300_000, index));
    const stores = bodies.map(() => createEmbeddedStore(root));
    await Promise.all(
      stores.map((store, index) =>
        store.upload({ bucket: BUCKET, key: 'race/x' }, inChunks(bodies[index] ?? Buffer.alloc(0), 1_000), {
          signal,
        }),
      ),
    );
    const bytes = await readFile(join(root, BUCKET, 'race', 'x'));
    expect(bodies.some(body => body.equals(bytes))).toBe(true);
    expect(await readdir(join(root, '.optml', 'tmp'))).toEqual([]);
  });

  it('is swept of what dead processes left, and of nothing else', async () => {
    const alive = await createTemporary(root);
    await alive.handle.close();
    const [namespace = '', , started = ''] = (alive.path.split('/').at(-1) ?? '').split(' ');
    const dead = join(dirname(alive.path), `${namespace} 4194303 ${started} dead`);
    const reused = join(dirname(alive.path), `${namespace} ${process.pid} 1 reused`);
    const foreign = join(dirname(alive.path), '1 1 1 foreign');
    for (const path of [dead, reused, foreign]) await writeFile(path, 'x');
    expect((await sweepTemporary(root, Date.now())).sort()).toEqual([dead, reused].sort());
    expect(await sweepTemporary(root, Date.now() + 25 * 3600 * 1000)).toEqual([foreign]);
    expect(existsSync(alive.path)).toBe(true);
  });
});

it('finds every odd key in the name of its file', () => {
  for (const key of [...ODD_KEYS, '+/', '=', 'a+/b=', '%'])
    expect(keyOfOddPath(oddPath('/r', { bucket: 'b', key }).slice(oddFolder('/r', 'b').length + 1))).toBe(
      key,
    );
});

it('sorts keys as the bytes of their UTF-8 form', () => {
  const samples = ['', 'a', 'a-', 'a/', 'a0', 'ä', '\uffff', '\ufb01', '😀', '😁', 'a😀', 'a\uffff'];
  for (const a of samples)
    for (const b of samples) expect(compareKeys(a, b)).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
});
