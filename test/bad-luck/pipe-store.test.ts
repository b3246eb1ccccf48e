/** Channels in Pipe mode whose store spoils requests, or whose objects go away or change in mid-stream (contract §1.6). */
import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { FAULTS, startFaultProxy } from '../harness/fault-proxy.js';
import { gatedStore } from '../harness/gated-store.js';
import { runJob, startJob, type EndedJob } from '../harness/job.js';
import { bytesOf, pieces, pooled, sha256 } from '../harness/known-bytes.js';
import { afterThis, scratch } from '../harness/optml.js';
import { pipeJob } from '../harness/pipe-job.js';
import { channel } from '../harness/requests.js';
import { startMinio } from '../store/minio.js';
import { keysOf, makeBuckets, storeOf } from '../store/real-store.js';

const MB = 1024 * 1024;
const signal = new AbortController().signal;

/** Three hundred small ones, and some that are cut off more than once. */
const CONTENTS = new Map<string, Buffer>([
  ...Array.from({ length: 300 }, (_, index) => {
    const name = String(index).padStart(4, '0');
    return [name, bytesOf(name, (index * 211) % 40_000)] as const;
  }),
  ...[2 * MB, 9 * MB, 20 * MB].map((size, index) => [`large-${index}`, bytesOf(`l${index}`, size)] as const),
]);
const WHOLE = sha256(Buffer.concat([...CONTENTS.values()]));

const server = await startMinio();
await makeBuckets(server, 'data', 'outputs');
const plain = storeOf(server);
await pooled(CONTENTS, ([name, bytes]) =>
  plain.upload({ bucket: 'data', key: `train/${name}` }, pieces(bytes), { signal }),
);
afterAll(async () => {
  await plain.close();
  await server.stop();
});

const TRAIN = [channel('train', 's3://data/train/')];
const READ = ['sha256sum < train_0 > /tmp/sum; cut -c 1-64 /tmp/sum'];

async function onStore(url: string, lines = READ): Promise<EndedJob> {
  const home = await scratch('faults');
  return runJob(pipeJob(lines, TRAIN), { home, args: ['--store', url], env: keysOf(server) });
}

describe('a channel behind faults', () => {
  // What is cut off or refused is asked for again; a large object that proves damaged at its end is half gone already.
  it.each([41, 42, 43])('comes whole, seed %i', async seed => {
    const proxy = await startFaultProxy({
      target: server.url,
      seed,
      faults: FAULTS.filter(fault => !/stalled|corrupted|in the request/.test(fault)),
      only: /\/data\//,
    });
    afterThis(() => proxy.stop());
    const { status, log } = await onStore(proxy.url);
    expect({ status, log }).toEqual({ status: 0, log: [WHOLE] });
    const spoiled = [...proxy.done.values()].reduce((sum, count) => sum + count, 0);
    expect(spoiled).toBeGreaterThan(20);
  });

  it('comes whole when the store stands still in the middle of an object, and goes on when it is asked again', async () => {
    const proxy = await startFaultProxy({
      target: server.url,
      // With it, the first request is spoiled and the one for the rest is not.
      seed: 4,
      share: 0.5,
      faults: ['stalled in the answer'],
      only: /\/train\/large-1$/,
    });
    afterThis(() => proxy.stop());
    const { status, log } = await onStore(proxy.url);
    expect(proxy.done.get('stalled in the answer')).toBe(1);
    expect({ status, log }).toEqual({ status: 0, log: [WHOLE] });
  });

  it.each([
    ['is refused for ever', 'status 503', /\/train\/large-1/],
    ['is cut off before its first byte for ever', 'reset after the head', /\/train\/large-1/],
    ['is never what it should be', 'answer corrupted', /\/train\/large-1/],
    ['is never what it should be, and small', 'answer corrupted', /\/train\/0123/],
  ] as const)(
    'fails the job when an object %s: its URI is named, and the reader sees no end',
    async (_, fault, only) => {
      const proxy = await startFaultProxy({ target: server.url, seed: 51, share: 1, faults: [fault], only });
      afterThis(() => proxy.stop());
      const { status, log, described } = await onStore(proxy.url, [...READ, 'echo ended']);
      expect({ status, log }).toEqual({ status: 1, log: [] });
      expect(described.FailureReason).toMatch(/^ClientError: Data download failed:/);
      expect(described.FailureReason).toContain(
        String(only).includes('0123') ? 's3://data/train/0123' : 's3://data/train/large-1',
      );
      expect(proxy.done.get(fault)).toBeGreaterThan(0);
    },
  );
});

describe('in mid-stream', () => {
  it.each([
    ['goes away', null],
    ['changes', randomBytes(2_000_000)],
    ['becomes shorter', randomBytes(1_000)],
    ['becomes empty', Buffer.alloc(0)],
  ])('an object that %s fails the job, with its URI, and the reader sees no end', async (_, content) => {
    const store = await gatedStore();
    store.objects.set('data/train/a', randomBytes(3_000_000));
    store.objects.set('data/train/b', randomBytes(2_000_000));
    const second = store.requests.hold(/^GET \/data\/train\/b/);
    const job = await startJob(
      pipeJob(
        ['exec 3<train_0; head -c 1000 <&3 > /dev/null; echo begun; cat <&3 > /dev/null; echo ended'],
        TRAIN,
      ),
      { args: ['--store', store.url], env: store.env },
    );
    await job.shows('algo-1 | begun');
    await second.reached;
    if (content === null) store.objects.delete('data/train/b');
    else store.objects.set('data/train/b', content);
    second.release();
    const { status, log, described } = await job.finish();
    expect({ status, log }).toEqual({ status: 1, log: ['begun'] });
    expect(described.FailureReason).toMatch(/^ClientError: Data download failed:.*s3:\/\/data\/train\/b/);
  });

  it('a store that ends fails the job, with the URI of the object that it did not bring', async () => {
    const store = await gatedStore();
    store.objects.set('data/train/a', randomBytes(3_000_000));
    store.objects.set('data/train/b', randomBytes(2_000_000));
    const second = store.requests.hold(/^GET \/data\/train\/b/);
    const job = await startJob(
      pipeJob(
        ['exec 3<train_0; head -c 1000 <&3 > /dev/null; echo begun; cat <&3 > /dev/null; echo ended'],
        TRAIN,
      ),
      { args: ['--store', store.url], env: store.env },
    );
    await job.shows('algo-1 | begun');
    await second.reached;
    await store.stop();
    const { status, log, described } = await job.finish();
    expect({ status, log }).toEqual({ status: 1, log: ['begun'] });
    expect(described.FailureReason).toContain('s3://data/train/b');
  });
});
