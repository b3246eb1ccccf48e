/** A store that stands still in mid-stream, and does so each time that it is asked again: there is an end to that. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { startFaultProxy } from '../harness/fault-proxy.js';
import { gatedStore } from '../harness/gated-store.js';
import { runJob } from '../harness/job.js';
import { afterThis } from '../harness/optml.js';
import { pipeJob } from '../harness/pipe-job.js';
import { channel } from '../harness/requests.js';

/** Five tries of half a minute each, and the pauses between them. */
const LIMIT = 300_000;

it('fails the job, with the URI, and the reader sees no end', { timeout: LIMIT }, async () => {
  const store = await gatedStore();
  store.objects.set('data/train/a', randomBytes(3_000_000));
  store.objects.set('data/train/b', randomBytes(3_000_000));
  const proxy = await startFaultProxy({
    target: store.url,
    seed: 1,
    share: 1,
    faults: ['stalled before the head'],
    only: /\/train\/b/,
  });
  afterThis(() => proxy.stop());
  const { status, log, described } = await runJob(
    pipeJob(['cat train_0 > /dev/null; echo ended'], [channel('train', 's3://data/train/')]),
    { args: ['--store', proxy.url], env: store.env },
  );
  expect({ status, log }).toEqual({ status: 1, log: [] });
  expect(described.FailureReason).toMatch(/^ClientError: Data download failed:.*s3:\/\/data\/train\/b/);
  expect(proxy.done.get('stalled before the head')).toBe(5);
});
