/** Listings: order, pages, groups, markers; and files that come and go by hand. */

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type ListObjectsV2CommandInput,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareKeys } from '../../../src/store/key-order.js';
import { ODD_KEYS } from '../contract.js';
import { BUCKET, codeOf, refusal, sendSigned, startServer, type Running } from './harness.js';

let server: Running;

beforeAll(async () => {
  server = await startServer();
  await server.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
});
afterAll(() => server.stop());

const put = (Key: string, Bucket = BUCKET) =>
  server.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));

/** Everything that is listed, page after page. */
async function listed(
  input: Partial<ListObjectsV2CommandInput>,
): Promise<{ keys: string[]; groups: string[]; pages: number }> {
  const keys: string[] = [];
  const groups: string[] = [];
  let token: string | undefined;
  for (let pages = 1; ; pages++) {
    const page = await server.client.send(
      new ListObjectsV2Command({
        Bucket: BUCKET,
        ...input,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    keys.push(...(page.Contents ?? []).map(object => object.Key ?? ''));
    groups.push(...(page.CommonPrefixes ?? []).map(group => group.Prefix ?? ''));
    expect(page.KeyCount).toBe((page.Contents ?? []).length + (page.CommonPrefixes ?? []).length);
    token = page.NextContinuationToken;
    expect(page.IsTruncated).toBe(token !== undefined);
    if (token === undefined) return { keys, groups, pages };
  }
}

/** A bucket of its own with these keys. */
async function bucketOf(name: string, keys: readonly string[]): Promise<string> {
  await server.client.send(new CreateBucketCommand({ Bucket: name }));
  for (const key of keys) await put(key, name);
  return name;
}

describe('a listing', () => {
  it('has every odd key, in the order of UTF-8 bytes, also one key a page', async () => {
    const Bucket = await bucketOf('odd', ODD_KEYS);
    const sorted = [...new Set(ODD_KEYS)].sort(compareKeys);
    expect((await listed({ Bucket, EncodingType: 'url' })).keys.map(decodeURIComponent)).toEqual(sorted);
    expect((await listed({ Bucket, MaxKeys: 1, EncodingType: 'url' })).keys.map(decodeURIComponent)).toEqual(
      sorted,
    );
  });

  it('goes in pages over a tree as it does over a list', async () => {
    const keys = [
      'a',
      'a-b',
      'a.b',
      'a/1',
      'a/2/x',
      'a/2/y',
      'a/20',
      'a0',
      'b/c/d/e/f',
      'b/c/d/g',
      'ü/x',
      '\u{1f600}',
      '\ufb01',
    ];
    const Bucket = await bucketOf('tree', keys);
    const sorted = keys.sort(compareKeys);
    for (const MaxKeys of [1, 2, 3, 100]) expect((await listed({ Bucket, MaxKeys })).keys).toEqual(sorted);
    for (const Prefix of ['', 'a', 'a/', 'a/2', 'b/c/', 'b/c/d/e/f', 'zz', 'ü'])
      expect([Prefix, (await listed({ Bucket, Prefix, MaxKeys: 2 })).keys]).toEqual([
        Prefix,
        sorted.filter(key => key.startsWith(Prefix)),
      ]);
    for (const StartAfter of ['a', 'a/', 'a/2', 'a/2/x', 'a/2/zzz', 'b', 'zz', '\u{1f5ff}'])
      expect([StartAfter, (await listed({ Bucket, StartAfter })).keys]).toEqual([
        StartAfter,
        sorted.filter(key => compareKeys(key, StartAfter) > 0),
      ]);
  });

  it('groups by any delimiter as a list of all keys would be grouped', async () => {
    const keys = ['a/b/1', 'a/b/2', 'a/c', 'a-1', 'a-2-x', 'b', 'c//d', 'c/', 'd--e', 'd-/e', 'e/f/', 'ü-1'];
    const Bucket = await bucketOf('groups', keys);
    for (const Delimiter of ['/', '-', '//', '-/', 'b', 'ü'])
      for (const Prefix of ['', 'a', 'a/', 'a/b/', 'c/', 'd'])
        for (const MaxKeys of [1, 2, 100]) {
          const found = await listed({ Bucket, Delimiter, Prefix, MaxKeys });
          const expected = grouped(keys, { prefix: Prefix, delimiter: Delimiter });
          expect([Delimiter, Prefix, MaxKeys, found.keys, found.groups]).toEqual([
            Delimiter,
            Prefix,
            MaxKeys,
            expected.keys,
            expected.groups,
          ]);
        }
  });

  it('skips the rest of a group of thousands', async () => {
    const Bucket = await bucketOf('many', ['a-first', 'z']);
    for (let index = 0; index < 3000; index++) writeFileSync(join(server.root, Bucket, `k-${index}`), '');
    expect(await listed({ Bucket, Delimiter: '-', MaxKeys: 2 })).toEqual({
      keys: ['z'],
      groups: ['a-', 'k-'],
      pages: 2,
    });
    expect((await listed({ Bucket })).keys.length).toBe(3002);
    expect((await listed({ Bucket })).pages).toBe(4);
  });

  it('says owner, class, size, time and ETag; the owner only when asked', async () => {
    const Bucket = await bucketOf('facts', ['x']);
    const { Contents: [plain] = [] } = await server.client.send(new ListObjectsV2Command({ Bucket }));
    expect(plain).toMatchObject({
      Key: 'x',
      Size: 1,
      StorageClass: 'STANDARD',
      ETag: '"9dd4e461268c8034f5c8564e155c67a6"',
    });
    expect(plain?.Owner).toBeUndefined();
    expect(Math.abs(Date.now() - (plain?.LastModified?.getTime() ?? 0))).toBeLessThan(600_000);
    const { Contents: [owned] = [] } = await server.client.send(
      new ListObjectsV2Command({ Bucket, FetchOwner: true }),
    );
    expect(owned?.Owner?.ID).toBe('optml');
  });

  it('of version 1 goes on from a marker, that of a group after the group', async () => {
    const Bucket = await bucketOf('version-1', ['a', 'b/1', 'b/2', 'c', 'd']);
    const keys: string[] = [];
    let Marker: string | undefined;
    do {
      const page = await server.client.send(
        new ListObjectsCommand({
          Bucket,
          Delimiter: '/',
          MaxKeys: 1,
          ...(Marker === undefined ? {} : { Marker }),
        }),
      );
      keys.push(...(page.Contents ?? []).map(object => object.Key ?? ''));
      keys.push(...(page.CommonPrefixes ?? []).map(group => group.Prefix ?? ''));
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    expect(keys).toEqual(['a', 'b/', 'c', 'd']);
    const rest = await server.client.send(new ListObjectsCommand({ Bucket, Marker: 'b/1' }));
    expect(rest.Contents?.map(object => object.Key)).toEqual(['b/2', 'c', 'd']);
  });

  it('shows at once what comes and goes, by hand or not', async () => {
    const Bucket = await bucketOf('live', []);
    const seen = async () => (await listed({ Bucket })).keys;
    for (let turn = 0; turn < 20; turn++) {
      writeFileSync(join(server.root, Bucket, `by-hand-${turn}`), '');
      expect(await seen()).toEqual([`by-hand-${turn}`]);
      await put('put', Bucket);
      expect(await seen()).toEqual([`by-hand-${turn}`, 'put']);
      rmSync(join(server.root, Bucket, `by-hand-${turn}`));
      expect(await seen()).toEqual(['put']);
      await server.client.send(new DeleteObjectCommand({ Bucket, Key: 'put' }));
      expect(await seen()).toEqual([]);
    }
  });

  it('has neither links nor empty folders nor groups of them', async () => {
    const Bucket = await bucketOf('folders', ['x']);
    const folder = join(server.root, Bucket);
    mkdirSync(join(folder, 'empty', 'deep'), { recursive: true });
    symlinkSync('/etc', join(folder, 'link'));
    expect(await listed({ Bucket })).toMatchObject({ keys: ['x'] });
    expect(await listed({ Bucket, Delimiter: '/' })).toMatchObject({ keys: ['x'], groups: [] });
  });

  it('refuses what makes no sense', async () => {
    const list = (input: Partial<ListObjectsV2CommandInput>) =>
      refusal(server.client.send(new ListObjectsV2Command({ Bucket: BUCKET, ...input })));
    expect(await list({ ContinuationToken: 'made up' })).toEqual(['InvalidArgument', 400]);
    expect(await list({ MaxKeys: -1 })).toEqual(['InvalidArgument', 400]);
    expect(await list({ EncodingType: 'base64' as 'url' })).toEqual(['InvalidArgument', 400]);
    expect(await list({ Bucket: 'absent' })).toEqual(['NoSuchBucket', 404]);
    expect(codeOf(await sendSigned(server.port, { path: `/${BUCKET}`, query: { 'list-type': '3' } }))).toBe(
      'InvalidArgument',
    );
    expect(await server.client.send(new ListObjectsV2Command({ Bucket: BUCKET, MaxKeys: 0 }))).toMatchObject({
      IsTruncated: false,
      KeyCount: 0,
    });
  });
});

/** S3's rule, in its simplest form. */
function grouped(
  keys: readonly string[],
  { prefix, delimiter }: { readonly prefix: string; readonly delimiter: string },
): { keys: string[]; groups: string[] } {
  const single: string[] = [];
  const groups = new Set<string>();
  for (const key of [...keys].sort(compareKeys)) {
    if (!key.startsWith(prefix)) continue;
    const at = key.indexOf(delimiter, prefix.length);
    if (at === -1) single.push(key);
    else groups.add(key.slice(0, at + delimiter.length));
  }
  return { keys: single, groups: [...groups] };
}
