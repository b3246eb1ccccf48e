/** A program that reads several epochs as AWS's published bring-your-own example for Pipe mode does, and knows nothing of optml. */
import { randomBytes } from 'node:crypto';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { textIn } from '../harness/aftermath.js';
import { runJob, startJob, type JobOptions } from '../harness/job.js';
import { sha256 } from '../harness/known-bytes.js';
import { homeWith } from '../harness/pipe-job.js';
import { channel, shellJob, type Request } from '../harness/requests.js';

const PROGRAMS = join(import.meta.dirname, '../programs');

const REQUEST: Request = {
  AlgorithmSpecification: {
    TrainingImage: 'optml-demo:latest',
    TrainingInputMode: 'Pipe',
    ContainerEntrypoint: ['python3', '/opt/ml/input/data/code/several_epochs.py'],
  },
  InputDataConfig: [
    channel('training', 's3://data/train/'),
    channel('code', 's3://local/programs/', { InputMode: 'File' }),
  ],
};

function options(home: string): JobOptions {
  return { home, args: ['--map', `s3://local/programs=${PROGRAMS}`] };
}

test('trains to its end: each epoch is there when it looks for it, and whole', async () => {
  const parts = [randomBytes(5_000_001), randomBytes(20), randomBytes(33_000_000)];
  const home = await homeWith(
    Object.fromEntries(parts.map((bytes, index) => [`s3://data/train/${index}`, bytes])),
  );
  const { status, log, output } = await runJob(shellJob('', REQUEST), options(home));
  expect({ status, log }).toEqual({
    status: 0,
    log: [0, 1, 2, 3, 4].map(epoch => `reads training_${epoch}`),
  });
  const all = Buffer.concat(parts);
  expect(JSON.parse(await textIn(output('model.tar.gz'), 'model.json'))).toEqual(
    Array(5).fill({ bytes: all.length, sha256: sha256(all) }),
  );
});

test('is stopped in the middle of its data, in its own way', async () => {
  const home = await homeWith({ 's3://data/train/large': '' });
  // So much that it is not read before the stop comes.
  await truncate(join(home, 's3/data/train/large'), 40_000_000_000);
  const job = await startJob(shellJob('', REQUEST), options(home));
  await job.shows('algo-1 | reads training_0');
  job.signal('SIGINT');
  const { status, described, log } = await job.finish();
  expect({ status, ended: described.TrainingJobStatus, log }).toEqual({
    status: 4,
    ended: 'Stopped',
    log: ['reads training_0', 'told to stop'],
  });
});
