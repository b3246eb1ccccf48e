import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEmbeddedStore } from '../../src/store/embedded/embedded-store.js';
import { mapStore } from '../../src/store/mapped.js';
import { parseMapping } from '../../src/store/mapping.js';
import type { Store } from '../../src/store/port.js';
import { BUCKET, collect, first, inChunks, keysUnder, put, storeContract } from './contract.js';

const signal = new AbortController().signal;
let folder: string;
let inner: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optml-mapped-'));
  await mkdir(join(folder, 's3', BUCKET), { recursive: true });
  inner = createEmbeddedStore(join(folder, 's3'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function local(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

function mapped(...maps: string[]): Store {
  return mapStore(
    inner,
    maps.map(map => parseMapping(map, folder)),
  );
}

const keys = async (store: Store, prefix: string): Promise<string[]> =>
  (await keysUnder(store, prefix)).map(object => object.key);

const contractRoot = await mkdtemp(join(tmpdir(), 'optml-mapped-contract-'));

storeContract({
  name: 'a store with a map elsewhere: contract',
  limits: { refusedKeys: [], besideIsFile: 'kept' },
  async open() {
    await mkdir(join(contractRoot, 's3', BUCKET), { recursive: true });
    await mkdir(join(contractRoot, 'mine'));
    const map = parseMapping(`s3://${BUCKET}/mapped=mine`, contractRoot);
    return mapStore(createEmbeddedStore(join(contractRoot, 's3')), [map]);
  },
  leftovers: () => readdir(join(contractRoot, 's3', '.optml', 'tmp')),
  close: () => rm(contractRoot, { recursive: true, force: true }),
});

describe('a mapped prefix', () => {
  it('is read from its folder, and hides what the store has under it', async () => {
    for (const key of ['data/train/hidden', 'data/train-2/x', 'data/train.txt', 'data/a', 'data/z'])
      await put(inner, key, 'from the store');
    await local('mine/x.csv', 'local');
    await local('mine/sub/y.csv', 'local');
    const store = mapped(`s3://${BUCKET}/data/train=./mine`);
    const all = [
      'data/a',
      'data/train-2/x',
      'data/train.txt',
      'data/train/sub/y.csv',
      'data/train/x.csv',
      'data/z',
    ];
    expect(await keys(store, '')).toEqual(all);
    expect(await keys(store, 'data/')).toEqual(all);
    expect(await keys(store, 'data/train')).toEqual(all.slice(1, 5));
    expect(await keys(store, 'data/train/')).toEqual(all.slice(3, 5));
    expect(await keys(store, 'data/train/s')).toEqual(['data/train/sub/y.csv']);
    expect(await keys(store, 'other')).toEqual([]);
    for (const object of await keysUnder(store, 'data/')) {
      const file = join(folder, 'out');
      await store.download({ bucket: BUCKET, ...object }, file, { signal });
      expect(await readFile(file, 'utf8')).toBe(
        object.key.startsWith('data/train/') ? 'local' : 'from the store',
      );
      await rm(file);
    }
  });

  it('needs no bucket in the store', async () => {
    await local('mine/x', '1');
    const store = mapped('s3://elsewhere/data/=mine');
    for (const key of ['', 'data', 'data/', 'data/x'])
      expect(await collect(store.list({ bucket: 'elsewhere', key }, signal))).toMatchObject([
        { key: 'data/x' },
      ]);
    await expect(collect(store.list({ bucket: 'elsewhere', key: 'x' }, signal))).rejects.toMatchObject({
      code: 'BUCKET_MISSING',
    });
  });

  it('asks nothing of the store for what lies in it', async () => {
    await local('mine/x', '1');
    inner = {
      ...inner,
      list() {
        throw new Error('asked');
      },
    };
    expect(await keys(mapped(`s3://${BUCKET}/data=mine`), 'data/')).toEqual(['data/x']);
    expect(await keys(mapped(`s3://${BUCKET}=mine`), '')).toEqual(['x']);
  });

  it('is never written, and says by which map', async () => {
    await local('mine/x', '1');
    const store = mapped(`s3://${BUCKET}/data=mine`);
    for (const key of ['data/x', 'data/new/y', 'data'])
      await expect(
        store.upload({ bucket: BUCKET, key }, inChunks(Buffer.from('x'), 1), { signal }),
      ).rejects.toMatchObject({
        code: 'REQUEST_REFUSED',
        message: expect.stringContaining(`--map s3://${BUCKET}/data=${join(folder, 'mine')}`) as string,
      });
    for (const key of ['data', 'data/', 'data/out'])
      await expect(store.prepareOutput({ bucket: BUCKET, key }, signal)).rejects.toMatchObject({
        code: 'REQUEST_REFUSED',
      });
    await store.prepareOutput({ bucket: BUCKET, key: 'database' }, signal);
    await put(store, 'database', 'x');
    expect(await keys(inner, '')).toEqual(['database']);
    expect(existsSync(join(folder, 'mine', 'new'))).toBe(false);
  });

  it('may be one file', async () => {
    await put(inner, 'data/x.csv', 'from the store');
    await put(inner, 'data/y.csv', 'from the store');
    await local('x.csv', 'local');
    const store = mapped(`s3://${BUCKET}/data/x.csv=./x.csv`);
    const listed = await keysUnder(store, 'data/');
    expect(listed).toMatchObject([
      { key: 'data/x.csv', size: 5 },
      { key: 'data/y.csv', size: 14 },
    ]);
    await store.download({ bucket: BUCKET, ...first(listed) }, join(folder, 'out'), { signal });
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('local');
    expect(await keys(store, 'data/x.csv')).toEqual(['data/x.csv']);
  });

  it('follows links that stay in its folder, once, and leaves others out', async () => {
    await local('outside/secret', 'secret');
    await local('mine/sub/x', '1');
    await symlink('../outside', join(folder, 'mine', 'out'));
    await symlink('../outside/secret', join(folder, 'mine', 'secret'));
    await symlink('sub', join(folder, 'mine', 'alias'));
    await symlink('..', join(folder, 'mine', 'sub', 'loop'));
    await symlink('sub/x', join(folder, 'mine', 'x'));
    await symlink('nowhere', join(folder, 'mine', 'dangling'));
    const store = mapped(`s3://${BUCKET}/d=mine`);
    const listed = await keysUnder(store, 'd/');
    expect(listed.map(object => object.key)).toEqual(['d/alias/x', 'd/sub/x', 'd/x']);
    await store.download({ bucket: BUCKET, ...first(listed) }, join(folder, 'copy'), { signal });
    expect(await readFile(join(folder, 'copy'), 'utf8')).toBe('1');
    const escape = { bucket: BUCKET, key: 'd/secret', size: 6, etag: 'x' };
    await expect(store.download(escape, join(folder, 'copy2'), { signal })).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
    });
    expect(await keys(store, 'd/out/')).toEqual([]);
    expect(await keys(store, 'd/alias/')).toEqual(['d/alias/x']);
  });

  it('gives way to a deeper one', async () => {
    await local('outer/a', 'outer');
    await local('outer/in/b', 'outer');
    await local('deeper/c', 'deeper');
    const store = mapped(`s3://${BUCKET}/d=outer`, `s3://${BUCKET}/d/in=deeper`);
    expect(await keys(store, 'd/')).toEqual(['d/a', 'd/in/c']);
    expect(await keys(store, 'd/in/')).toEqual(['d/in/c']);
  });

  it('that went away is an error, not an empty channel', async () => {
    await local('mine/x', '1');
    const store = mapped(`s3://${BUCKET}/d=mine`);
    await rm(join(folder, 'mine'), { recursive: true });
    await expect(keysUnder(store, 'd/')).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
  });
});

describe('the text of a map', () => {
  it('may have = in its prefix and in its path', async () => {
    await local('dt=2026-01-31/x', '1');
    expect(parseMapping('s3://b/t/dt=2026-01-31=./dt=2026-01-31', folder)).toEqual({
      bucket: 'b',
      prefix: 't/dt=2026-01-31',
      target: join(folder, 'dt=2026-01-31'),
      kind: 'folder',
    });
  });

  it.each(['b/p=./x', 's3://b/p', 's3:///p=./x', 's3://b/p=', 's3://b/p=./missing'])(
    'is refused as %s',
    text => {
      expect(() => parseMapping(text, folder)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
    },
  );
});
