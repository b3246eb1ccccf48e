/** Objects by the thousand, up and down, through a proxy that spoils one request in ten, before two real servers. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, it } from 'vitest';
import { FAULTS, startFaultProxy } from '../harness/fault-proxy.js';
import { bytesOf, pieces, pooled, sha256 } from '../harness/known-bytes.js';
import { afterThis, scratch } from '../harness/optml.js';
import { startMinio } from '../store/minio.js';
import { listedIn, makeBuckets, sdkOf, storeOf } from '../store/real-store.js';
import { startVersitygw } from '../store/versitygw.js';

const BUCKET = 'faulty';
const SMALL = 1_000;
const MB = 1024 * 1024;
const LARGE = [1.5 * MB, 3 * MB, 8 * MB, 8 * MB + 1, 20 * MB, 33 * MB];
const signal = new AbortController().signal;

/** Waits are short, so that a stalled answer costs a test little; the tries are those of every day. */
const LIMITS = { firstByteMs: 4_000, idleMs: 4_000, backoffMs: 5 };

const servers = await Promise.all([startVersitygw(), startMinio()]);
for (const server of servers) await makeBuckets(server, BUCKET);
afterAll(async () => {
  for (const server of servers) await server.stop();
});

describe.each(servers.map(server => ({ server, name: server.name })))(
  'behind the faults, $name',
  ({ server }) => {
    it.each([1, 2, 3])('gives and takes every object byte for byte, seed %i', async seed => {
      const proxy = await startFaultProxy({ target: server.url, seed });
      afterThis(() => proxy.stop());
      const plain = storeOf(server);
      const faulty = storeOf({ ...server, url: proxy.url }, LIMITS);
      afterThis(async () => {
        await plain.close();
        await faulty.close();
      });
      const prefix = `seed-${seed}/`;
      const sums = new Map<string, string>();
      await pooled(contents(seed), async ([name, bytes]) => {
        sums.set(prefix + name, sha256(bytes));
        await faulty.upload({ bucket: BUCKET, key: prefix + name }, pieces(bytes), { signal });
      });
      // Looked at from beside the proxy: what was acknowledged is there.
      const stored = await listedIn(plain, BUCKET, prefix);
      expect(stored.map(object => object.key)).toEqual([...sums.keys()].sort());
      expect(await listedIn(faulty, BUCKET, prefix)).toEqual(stored);
      const folder = await scratch('faults');
      await pooled(stored, async (object, index) => {
        const file = join(folder, String(index));
        await faulty.download({ bucket: BUCKET, ...object }, file, { signal });
        expect([object.key, sha256(await readFile(file))]).toEqual([object.key, sums.get(object.key)]);
        await rm(file);
      });
      const spoiled = [...proxy.done.values()].reduce((sum, count) => sum + count, 0);
      expect(spoiled / proxy.requests()).toBeGreaterThan(0.07);
      expect([...proxy.done.keys()].sort()).toEqual([...FAULTS].sort());
    });

    it.each([6, 7])('takes no object of parts of which a bit is wrong, seed %i', async seed => {
      const plain = storeOf(server);
      const proxy = await startFaultProxy({
        target: server.url,
        seed,
        share: 0.5,
        faults: ['answer corrupted'],
      });
      const faulty = storeOf({ ...server, url: proxy.url }, { ...LIMITS, tries: 12 });
      afterThis(async () => {
        await plain.close();
        await faulty.close();
        await proxy.stop();
      });
      const folder = await scratch('faults');
      await pooled([9 * MB, 17 * MB, 24 * MB, 8 * MB + 1], async (size, index) => {
        const key = `parts-${seed}/${index}`;
        const bytes = bytesOf(key, size);
        await plain.upload({ bucket: BUCKET, key }, pieces(bytes), { signal });
        const [object] = await listedIn(plain, BUCKET, key);
        const file = join(folder, String(index));
        await faulty.download({ bucket: BUCKET, key, size, etag: object?.etag ?? '' }, file, { signal });
        expect([key, sha256(await readFile(file))]).toEqual([key, sha256(bytes)]);
      });
      expect(proxy.done.get('answer corrupted')).toBeGreaterThan(0);
    });

    it.each([4, 5])('leaves no upload unfinished when every second answer is lost, seed %i', async seed => {
      const proxy = await startFaultProxy({
        target: server.url,
        seed,
        share: 0.5,
        faults: ['answer lost', 'status 503', 'request corrupted'],
      });
      afterThis(() => proxy.stop());
      const faulty = storeOf({ ...server, url: proxy.url }, { ...LIMITS, tries: 12 });
      afterThis(() => faulty.close());
      const bytes = bytesOf(`${seed}`, 17 * MB);
      const keys = Array.from({ length: 12 }, (_, index) => `unfinished-${seed}/${index}`);
      await pooled(keys, key => faulty.upload({ bucket: BUCKET, key }, pieces(bytes), { signal }));
      const client = sdkOf(server);
      afterThis(() => {
        client.destroy();
        return Promise.resolve();
      });
      for (const key of keys) {
        const { Uploads = [] } = await client.send(
          new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: key }),
        );
        expect([key, Uploads.length]).toEqual([key, 0]);
      }
    });
  },
);

/** Name and bytes of each: many of a few bytes to some KiB, some that are streamed, some that go in parts. */
function* contents(seed: number): Generator<readonly [name: string, bytes: Buffer]> {
  for (let index = 0; index < SMALL; index++) {
    const size = (index * 37) % 5_000;
    yield [`small/${String(index).padStart(5, '0')}`, bytesOf(`${seed} ${index}`, size)];
  }
  for (const [index, size] of LARGE.entries())
    yield [`large/${index}`, bytesOf(`${seed} large ${index}`, size)];
}
