/** Pipe mode on a real engine: FIFOs, epochs and what comes through them (contract §1.6). */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { sizesIn } from '../harness/aftermath.js';
import { runJob, startJob } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';
import { feederOf, homeWith, inImage, pipeJob, untilFifo } from '../harness/pipe-job.js';
import { channel, putObject } from '../harness/requests.js';
import { HEARS, tell, untilTold } from '../harness/tell.js';
import { pythonClients } from '../store/clients.js';

const run = promisify(execFile);

/** Text files of a letter each. */
function letters(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `s3://data/train/${String(index).padStart(3, '0')}`,
      `${index} `,
    ]),
  );
}

describe('the FIFOs of a channel', () => {
  test('have names with the epoch: the first is there at the start, each next one once its forerunner is open', async () => {
    const home = await homeWith({ 's3://data/train/a': 'one' });
    const { status, log } = await runJob(
      pipeJob(
        [
          "stat -c '%n %F %a' *",
          'exec 3<train_0; until [ -p train_1 ]; do sleep 0.01; done; ls train_1; cat <&3; echo',
          'for n in 1 2 3 4; do until [ -p train_$n ]; do sleep 0.01; done; cat train_$n; echo; done',
        ],
        [channel('train', 's3://data/train/')],
      ),
      { home },
    );
    expect(status).toBe(0);
    expect(log).toEqual(['train_0 fifo 666', 'train_1', ...Array<string>(5).fill('one')]);
  });

  test('bring the objects one after the other, byte for byte, with nothing between them', async () => {
    const large = randomBytes(5_000_000);
    const home = await homeWith({
      's3://data/train/a': 'no newline',
      's3://data/train/b': '',
      's3://data/train/c': large,
      's3://data/train/d': 'end',
    });
    const { status, output } = await runJob(
      pipeJob(['cat train_0 > /opt/ml/model/all'], [channel('train', 's3://data/train/')]),
      { home },
    );
    expect(status).toBe(0);
    const { stdout } = await run('tar', ['-xOf', output('model.tar.gz'), 'all'], {
      encoding: 'buffer',
      maxBuffer: 1 << 24,
    });
    expect(stdout.equals(Buffer.concat([Buffer.from('no newline'), large, Buffer.from('end')]))).toBe(true);
  });

  test('may be left early: the rest of the epoch is dropped, and the next one is whole', async () => {
    const home = await homeWith({ 's3://data/train/a': 'x'.repeat(2_000_000), 's3://data/train/b': 'y' });
    const { status, log } = await runJob(
      pipeJob(
        ['head -c 3 train_0; echo', 'until [ -p train_1 ]; do sleep 0.01; done; wc -c < train_1'],
        [channel('train', 's3://data/train/')],
      ),
      { home },
    );
    expect({ status, log }).toEqual({ status: 0, log: ['xxx', '2000001'] });
  });

  test('need not be read at all', async () => {
    const home = await homeWith({ 's3://data/train/a': 'x' });
    const { status } = await runJob(pipeJob(['true'], [channel('train', 's3://data/train/')]), { home });
    expect(status).toBe(0);
  });

  test('bring an end and no byte when all objects are empty, and so do the next ones', async () => {
    const home = await homeWith({ 's3://data/train/a': '', 's3://data/train/b': '' });
    const { status, log } = await runJob(
      pipeJob(
        [`for n in 0 1; do ${untilFifo('train', '$n')}; wc -c < train_$n; done`],
        [channel('train', 's3://data/train/')],
      ),
      { home },
    );
    expect({ status, log }).toEqual({ status: 0, log: ['0', '0'] });
  });

  test('stand beside the folder of a channel in File mode', async () => {
    const home = await homeWith({ 's3://data/train/a': 'piped', 's3://data/files/b': 'file' });
    const { status, log } = await runJob(
      pipeJob(
        ['cat train_0; echo', 'cat files/b; echo', 'cat ../config/inputdataconfig.json'],
        [channel('train', 's3://data/train/'), channel('files', 's3://data/files/', { InputMode: 'File' })],
      ),
      { home },
    );
    expect(status).toBe(0);
    expect(log).toEqual([
      'piped',
      'file',
      '{"train":{"TrainingInputMode":"Pipe","S3DistributionType":"FullyReplicated","RecordWrapperType":"None"},"files":{"TrainingInputMode":"File","S3DistributionType":"FullyReplicated","RecordWrapperType":"None"}}',
    ]);
  });

  test('are written to by a user who is not root', async () => {
    const home = await homeWith({ 's3://data/train/a': 'piped' });
    const job = pipeJob(['id -u', 'cat train_0; echo'], [channel('train', 's3://data/train/')]);
    const { status, log } = await runJob(inImage(job, 'optml-user-1000'), { home });
    expect({ status, log }).toEqual({ status: 0, log: ['1000', 'piped'] });
  });
});

describe('RecordIO', () => {
  const RECORDS = { RecordWrapperType: 'RecordIO' };
  const SIZES = [0, 1, 2, 3, 4, 5, 1023, 70_000, 3_000_001];

  test.each([
    ['', (bytes: Buffer) => bytes, {}],
    [', also of unpacked objects', (bytes: Buffer) => gzipSync(bytes), { CompressionType: 'Gzip' }],
  ])('makes a record of each object%s, which MXNet reads', async (_, pack, members) => {
    const contents = SIZES.map(size => randomBytes(size));
    const home = await homeWith(
      Object.fromEntries(contents.map((bytes, index) => [`s3://data/train/${index}`, pack(bytes)])),
    );
    const { status, output } = await runJob(
      pipeJob(
        ['cat train_0 > /opt/ml/model/all'],
        [channel('train', 's3://data/train/', { ...RECORDS, ...members })],
      ),
      { home },
    );
    expect(status).toBe(0);
    await run('tar', ['-xf', output('model.tar.gz'), '-C', home, 'all']);
    const { stdout } = await run(pythonClients('mxnet').python, ['-c', READ, join(home, 'all')], {
      maxBuffer: 1 << 26,
    });
    expect(JSON.parse(stdout)).toEqual(contents.map(bytes => bytes.toString('hex')));
  });

  test('that MXNet wrote goes through as it is', async () => {
    const home = await scratch('home');
    const file = join(home, 'written.rec');
    await run(pythonClients('mxnet').python, ['-c', WRITE, file]);
    await putObject(home, 's3://data/train/written.rec', await readFile(file));
    const { status, output } = await runJob(
      pipeJob(['cat train_0 > /opt/ml/model/all'], [channel('train', 's3://data/train/')]),
      { home },
    );
    expect(status).toBe(0);
    await run('tar', ['-xf', output('model.tar.gz'), '-C', home, 'all']);
    expect((await readFile(join(home, 'all'))).equals(await readFile(file))).toBe(true);
  });
});

const READ = `
import json, sys, mxnet
records = mxnet.recordio.MXRecordIO(sys.argv[1], 'r')
print(json.dumps([one.hex() for one in iter(records.read, None)]))
`;
const WRITE = `
import sys, mxnet
records = mxnet.recordio.MXRecordIO(sys.argv[1], 'w')
for size in (5, 0, 70000): records.write(b'x' * size)
records.close()
`;

describe('ShuffleConfig', () => {
  const EPOCHS = 'for n in 0 1 2; do until [ -p train_$n ]; do sleep 0.01; done; cat train_$n; echo; done';

  test('orders anew in each epoch, by its seed', async () => {
    const home = await homeWith(letters(40));
    const logOf = async (seed: number): Promise<readonly string[]> => {
      const job = pipeJob(
        [EPOCHS],
        [channel('train', 's3://data/train/', { ShuffleConfig: { Seed: seed } })],
      );
      const { status, log } = await runJob(job, { home });
      expect(status).toBe(0);
      return log;
    };
    const first = await logOf(7);
    expect(new Set(first).size).toBe(3);
    const sorted = first.map(line =>
      line
        .trim()
        .split(' ')
        .map(Number)
        .sort((a, b) => a - b)
        .join(' '),
    );
    expect(new Set(sorted)).toEqual(new Set([Array.from({ length: 40 }, (_, index) => index).join(' ')]));
    expect(await logOf(7)).toEqual(first);
    expect(await logOf(8)).not.toEqual(first);
  });
});

describe('bad luck', () => {
  test('sixteen channels, whose readers stand still, hold up neither the others, nor unpacking, nor this process', async () => {
    const names = Array.from({ length: 15 }, (_, index) => `c${index}`);
    const home = await homeWith({
      's3://data/big/a': randomBytes(3_000_000),
      's3://data/packed/a': gzipSync(randomBytes(3_000_000)),
    });
    const job = await startJob(
      pipeJob(
        [
          'for n in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do sleep 600 < c${n}_0 & done',
          `for n in 0 1 2; do ${untilFifo('packed', '$n')}; wc -c < packed_$n; done`,
          'trap "exit 0" TERM; head -c 5000000 /dev/urandom > /opt/ml/model/weights; echo read; sleep 600 & wait',
        ],
        [
          ...names.map(name => channel(name, 's3://data/big/')),
          channel('packed', 's3://data/packed/', { CompressionType: 'Gzip' }),
        ],
      ),
      { home },
    );
    await job.shows('algo-1 | read');
    // It answers over its socket, stops the job, and packs what the container wrote.
    expect((await optml(['stop', job.name], { home })).status).toBe(0);
    const { status, log, output } = await job.finish();
    expect({ status, log }).toEqual({ status: 4, log: ['3000000', '3000000', '3000000', 'read'] });
    expect(await sizesIn(output('model.tar.gz'))).toEqual({ weights: 5_000_000 });
  });

  test('a feeder that is killed kills the container before it can take that for the end', async () => {
    const home = await homeWith({ 's3://data/train/a': '' });
    // So much that it is not read to its end before that.
    await truncate(join(home, 's3/data/train/a'), 40_000_000_000);
    const job = await startJob(
      pipeJob(
        ['exec 3<train_0; head -c 1000 <&3 > /dev/null; echo begun; cat <&3 > /dev/null; echo ended'],
        [channel('train', 's3://data/train/')],
      ),
      { home },
    );
    await job.shows('algo-1 | begun');
    process.kill(await feederOf(job), 'SIGKILL');
    const { status, described, log } = await job.finish();
    expect({ status, log }).toEqual({ status: 1, log: ['begun'] });
    expect(described.FailureReason).toMatch(/^InternalServerError/);
  });

  test('an object that is gone when its turn comes fails the job, with its URI', async () => {
    const names = Array.from({ length: 40 }, (_, index) => String(index).padStart(2, '0'));
    const home = await homeWith(
      Object.fromEntries(names.map(name => [`s3://data/train/${name}`, randomBytes(2_000_000)])),
    );
    const job = await startJob(
      pipeJob(
        [
          HEARS,
          `exec 3<train_0; head -c 1000 <&3 > /dev/null; echo begun; ${untilTold()}`,
          'cat <&3 > /dev/null; echo ended',
        ],
        [channel('train', 's3://data/train/')],
      ),
      { home },
    );
    await job.shows('algo-1 | begun');
    // No more than some ten are read ahead.
    await rm(join(home, 's3/data/train/39'));
    await tell(job.name);
    const { status, described, log } = await job.finish();
    expect({ status, log }).toEqual({ status: 1, log: ['begun'] });
    expect(described.FailureReason).toMatch(/^ClientError: Data download failed:.*s3:\/\/data\/train\/39/);
  });

  test('an object that is written while it is read fails the job, with its URI', async () => {
    const home = await homeWith({ 's3://data/train/a': '' });
    const file = join(home, 's3/data/train/a');
    // So much that it is not read to its end before it is written.
    await truncate(file, 40_000_000_000);
    const job = await startJob(
      pipeJob(
        ['exec 3<train_0; head -c 1000 <&3 > /dev/null; echo begun; cat <&3 > /dev/null; echo ended'],
        [channel('train', 's3://data/train/')],
      ),
      { home },
    );
    await job.shows('algo-1 | begun');
    await writeFile(file, randomBytes(100));
    const { status, described, log } = await job.finish();
    expect({ status, log }).toEqual({ status: 1, log: ['begun'] });
    expect(described.FailureReason).toMatch(/^ClientError: Data download failed:.*s3:\/\/data\/train\/a/);
  });

  test('a stop reaches a container that reads, and one that waits for a FIFO', async () => {
    const home = await homeWith({ 's3://data/train/a': 'x'.repeat(1_000_000) });
    const job = await startJob(
      pipeJob(
        ['trap "exit 0" TERM', 'exec 3<train_0; echo reading', 'while :; do sleep 0.05; done'],
        [channel('train', 's3://data/train/'), channel('other', 's3://data/train/')],
      ),
      { home },
    );
    await job.shows('algo-1 | reading');
    job.signal('SIGINT');
    const { status, described } = await job.finish();
    expect({ status, ended: described.TrainingJobStatus }).toEqual({ status: 4, ended: 'Stopped' });
  });
});
