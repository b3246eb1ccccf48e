/** Gzip in Pipe mode: unpacked on the way, or the job fails with the object's URI (contract §1.6). */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { runJob } from '../harness/job.js';
import { sha256 } from '../harness/known-bytes.js';
import { homeWith, pipeJob } from '../harness/pipe-job.js';
import { channel } from '../harness/requests.js';

const TRAIN = [channel('train', 's3://data/train/', { CompressionType: 'Gzip' })];

test('objects are unpacked on the way, members one after the other', async () => {
  const text = 'line\n'.repeat(400_000);
  const home = await homeWith({
    's3://data/train/a.gz': Buffer.concat([gzipSync('one\n'), gzipSync('two\n')]),
    's3://data/train/b.gz': gzipSync(text),
  });
  const { status, log } = await runJob(
    pipeJob(['cat train_0 > /tmp/all; head -n 2 /tmp/all; wc -c < /tmp/all'], TRAIN),
    { home },
  );
  expect({ status, log }).toEqual({ status: 0, log: ['one', 'two', String(8 + text.length)] });
});

test('members may end anywhere, be empty, and be as many as they like', async () => {
  const members = Array.from({ length: 300 }, (_, index) => randomBytes((index * 7919) % 70_000));
  const home = await homeWith({
    's3://data/train/a.gz': Buffer.concat(members.map(member => gzipSync(member))),
    's3://data/train/b.gz': gzipSync(''),
    's3://data/train/c.gz': gzipSync('end'),
  });
  const { status, log } = await runJob(pipeJob(['sha256sum train_0'], TRAIN), { home });
  expect({ status, log }).toEqual({
    status: 0,
    log: [`${sha256(Buffer.concat([...members, Buffer.from('end')]))}  train_0`],
  });
});

const RANDOM = gzipSync(randomBytes(1_000_000));

test.each([
  ['is none', Buffer.from('plain text')],
  ['has no byte', Buffer.alloc(0)],
  ['is cut off in its header', gzipSync('text').subarray(0, 5)],
  ['is cut off in the middle', RANDOM.subarray(0, 500_000)],
  ['is cut off in its checksum', RANDOM.subarray(0, -3)],
  ['has another checksum', Buffer.concat([RANDOM.subarray(0, -8), Buffer.alloc(8, 1)])],
  ['is cut off in its second member', Buffer.concat([gzipSync('text'), gzipSync('more').subarray(0, -5)])],
  ['goes on with what is none', Buffer.concat([gzipSync('text'), Buffer.from('plain text')])],
])('an object that %s fails the job, with the URI, and the reader sees no end', async (_, bytes) => {
  const home = await homeWith({ 's3://data/train/a.gz': gzipSync('good'), 's3://data/train/b.gz': bytes });
  const { status, described, log } = await runJob(pipeJob(['cat train_0 > /tmp/all; echo ended'], TRAIN), {
    home,
  });
  expect({ status, log }).toEqual({ status: 1, log: [] });
  expect(described.FailureReason).toMatch(/^ClientError: Data download failed:.*s3:\/\/data\/train\/b\.gz/);
});
