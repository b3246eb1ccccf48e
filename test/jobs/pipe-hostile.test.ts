/** Containers that put something else in the place of their FIFOs, and readers that do as they like. */
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOMS_ARE_VOLUMES } from '../harness/aftermath.js';
import { runJob, startJob } from '../harness/job.js';
import { feederOf, homeWith, inImage, pipeJob, untilFifo, untilGone } from '../harness/pipe-job.js';
import { channel, putObject } from '../harness/requests.js';
import { HEARS, tell, untilTold } from '../harness/tell.js';

const TRAIN = [channel('train', 's3://data/train/')];
/** More than a FIFO holds. */
const SECRET = 'secret '.repeat(100_000);

describe.skipIf(ROOMS_ARE_VOLUMES)(
  'in the place of a FIFO, which only containers of root can take (needs root)',
  () => {
    test.each([
      ['a file', 'echo untouched > train_0'],
      ['a link to a file', 'echo untouched > target; ln -s target train_0'],
      ['a link to a FIFO', 'mkfifo other; cat other > taken & ln -s other train_0'],
      ['a folder', 'mkdir train_0'],
      ['a device', 'mknod train_0 c 1 3'],
      ['a device that nobody drives', 'mknod train_0 c 60 0'],
      [
        'a socket',
        `perl -MSocket -e 'socket S, AF_UNIX, SOCK_STREAM, 0; bind S, sockaddr_un "train_0" or die'`,
      ],
    ])('%s is not written to, and the job fails', async (_, line) => {
      const home = await homeWith({ 's3://data/train/a': SECRET });
      const { status, described, stderr, log } = await runJob(
        pipeJob([`rm train_0; ${line}`, 'sleep 60; echo ended'], TRAIN),
        { home, args: ['--keep'] },
      );
      expect({ status, log }).toEqual({ status: 1, log: [] });
      expect(described.FailureReason).toMatch(/^InternalServerError/);
      expect(stderr).toContain('/opt/ml/input/data/train_0 is no FIFO any more');
      expect(await bytesBelow(stderr)).not.toContain('secret');
    });

    test('of the next epoch: what is there already is not taken for it', async () => {
      const home = await homeWith({ 's3://data/train/a': SECRET });
      const { status, stderr } = await runJob(
        pipeJob(['ln -s /etc/passwd train_1', 'cat train_0 > /dev/null; sleep 60'], TRAIN),
        { home },
      );
      expect(status).toBe(1);
      expect(stderr).toMatch(/FIFOs train_1 cannot be made/);
    });

    test("a folder that a reader puts there, when it has opened it, is in nobody's way", async () => {
      const home = await homeWith({ 's3://data/train/a': SECRET });
      const { status, log } = await runJob(
        pipeJob(
          [
            'exec 3<train_0; rm train_0; mkdir train_0; cat <&3 | wc -c',
            `${untilFifo('train', 1)}; wc -c < train_1`,
          ],
          TRAIN,
        ),
        { home },
      );
      expect({ status, log }).toEqual({ status: 0, log: Array<string>(2).fill(String(SECRET.length)) });
    });
  },
);

describe.skipIf(ROOMS_ARE_VOLUMES)('in the place of the folder of the FIFOs (needs root)', () => {
  test.each([
    ['a link', 'ln -s / ../data'],
    ['another folder', 'mkdir ../data; mkfifo ../data/train_1'],
  ])('%s leads nowhere: epochs come where the folder is', async (_, line) => {
    const home = await homeWith({ 's3://data/train/a': 'one ' });
    const { status, log } = await runJob(
      pipeJob(
        [
          `mv ../data ../elsewhere; ${line}; cd ../elsewhere`,
          `for n in 0 1 2; do ${untilFifo('train', '$n')}; cat train_$n; done; echo`,
        ],
        TRAIN,
      ),
      { home },
    );
    expect({ status, log }).toEqual({ status: 0, log: ['one one one '] });
  });
});

describe('a reader', () => {
  test('may open without waiting, as ml-io does, and waits for its data then', async () => {
    const home = await homeWith({ 's3://data/train/a': SECRET });
    await putObject(home, 's3://data/code/read.py', READ_LIKE_ML_IO);
    const code = channel('code', 's3://data/code/', { InputMode: 'File' });
    const job = inImage(pipeJob(['python3 code/read.py'], [...TRAIN, code]), 'optml-demo:latest');
    const { status, log } = await runJob(job, { home });
    expect({ status, log }).toEqual({ status: 0, log: Array<string>(3).fill(String(SECRET.length)) });
  });

  test('may leave a hundred epochs early, at once or in the middle, and finds the next one whole', async () => {
    const home = await homeWith({ 's3://data/train/a': SECRET, 's3://data/train/b': 'end' });
    const { status, log } = await runJob(
      pipeJob(
        [
          `n=0; while [ $n -lt 100 ]; do ${untilFifo('train', '$n')}; head -c $((n % 2 * 10000)) train_$n > /dev/null; n=$((n + 1)); done`,
          `${untilFifo('train', 100)}; wc -c < train_100`,
        ],
        TRAIN,
      ),
      { home },
    );
    expect({ status, log }).toEqual({ status: 0, log: [String(SECRET.length + 3)] });
  });

  test('that is killed is one that leaves early', async () => {
    const home = await homeWith({ 's3://data/train/a': randomBytes(3_000_000) });
    const { status, log } = await runJob(
      pipeJob(['sleep 60 < train_0 &', `${untilFifo('train', 1)}; kill -9 $!; wc -c < train_1`], TRAIN),
      { home },
    );
    expect({ status, log }).toEqual({ status: 0, log: ['3000000'] });
  });

  test('of a FIFO that nobody reads any more has the job end all the same, and the feeder with it', async () => {
    const home = await homeWith({ 's3://data/train/a': randomBytes(3_000_000) });
    const job = await startJob(
      pipeJob(
        [
          HEARS,
          `sleep 60 < train_0 & echo begun; ${untilFifo('train', 1)}; ${untilTold()}`,
          'kill $!; exec 3<train_1; exit 3',
        ],
        TRAIN,
      ),
      { home },
    );
    await job.shows('algo-1 | begun');
    const feeder = await feederOf(job);
    await tell(job.name);
    const { described } = await job.finish();
    expect(described.FailureReason).toContain('exit code: 3');
    await untilGone(feeder);
  });
});

/** What files of the kept tree hold, all together. */
async function bytesBelow(stderr: string): Promise<string> {
  const tree = /The \/opt\/ml tree is left in (.+)-tree\./.exec(stderr)?.[1];
  if (tree === undefined) throw new Error(stderr);
  const data = join(`${tree}-tree`, 'algo-1/opt/ml/input/data');
  const files = (await readdir(data, { withFileTypes: true })).filter(entry => entry.isFile());
  const texts = await Promise.all(files.map(({ name }) => readFile(join(data, name), 'utf8')));
  return texts.join('');
}

const READ_LIKE_ML_IO = `
import os, select, time
for epoch in range(3):
    for attempt in range(3):
        try: fifo = os.open(f"train_{epoch}", os.O_RDONLY | os.O_NONBLOCK); break
        except FileNotFoundError: time.sleep(1)
    poll = select.poll(); poll.register(fifo, select.POLLIN)
    read = 0
    while True:
        poll.poll()
        try: piece = os.read(fifo, 1 << 16)
        except BlockingIOError: continue
        if not piece: break
        read += len(piece)
    os.close(fifo); print(read)
`;
