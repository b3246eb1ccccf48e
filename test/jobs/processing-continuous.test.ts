/** Outputs that are uploaded while the job runs (contract §2.7, S3UploadMode Continuous). */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOMS_ARE_VOLUMES } from '../harness/aftermath.js';
import { startJob } from '../harness/job.js';
import { scratch } from '../harness/optml.js';
import { outputsAt, processingJob } from '../harness/processing.js';

/** The container goes on when it sees that its own file has come into the store: three seconds are all that it waits. */
const ARRIVES = 'arrives() { for i in 1 2 3 4 5 6; do sleep 0.5; done; echo "looked $1"; }';

test('a whole file is in the store while the job runs, a growing one only when it is whole, and links never', async () => {
  const home = await scratch('home');
  const place = join(home, 's3/out-put/c');
  const job = await startJob(
    processingJob(
      [
        ARRIVES,
        'cd /opt/ml/processing/c; mkdir -p sub/deep; echo one > sub/deep/one; ln -s /etc swapped; ln -s /etc/passwd p',
        '(for i in $(seq 40); do echo $i; sleep 0.1; done) > growing & arrives first',
        'wait; arrives second; echo last > last',
      ],
      outputsAt({ c: 's3://out-put/c' }, 'Continuous'),
    ),
    { home },
  );
  if (ROOMS_ARE_VOLUMES) await job.shows('uploaded when it has ended');
  await job.shows('looked first');
  expect(existsSync(join(place, 'sub/deep/one'))).toBe(!ROOMS_ARE_VOLUMES);
  expect(existsSync(join(place, 'growing'))).toBe(false);
  await job.shows('looked second');
  expect(existsSync(join(place, 'growing'))).toBe(!ROOMS_ARE_VOLUMES);
  const { status } = await job.finish();
  expect(status).toBe(0);
  expect(await readFile(join(place, 'sub/deep/one'), 'utf8')).toBe('one\n');
  expect((await readFile(join(place, 'growing'), 'utf8')).trim().split('\n')).toHaveLength(40);
  expect((await readdir(place)).sort()).toEqual(['growing', 'last', 'sub']);
});

test('of many files in many new folders none is missed', async () => {
  const home = await scratch('home');
  const job = await startJob(
    processingJob(
      [
        'cd /opt/ml/processing/c; for d in $(seq 200); do mkdir -p a/$d/b; for f in 1 2 3 4 5; do echo $d.$f > a/$d/b/$f; done; done',
        'sleep 1.5; for d in $(seq 200); do echo again > a/$d/b/1; done',
      ],
      outputsAt({ c: 's3://out-put/c' }, 'Continuous'),
    ),
    { home },
  );
  const { status, stderr } = await job.finish();
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const names = await readdir(join(home, 's3/out-put/c'), { recursive: true });
  expect(names.filter(name => /b\/\d$/.test(name))).toHaveLength(1000);
  expect(await readFile(join(home, 's3/out-put/c/a/200/b/1'), 'utf8')).toBe('again\n');
  expect(await readFile(join(home, 's3/out-put/c/a/200/b/5'), 'utf8')).toBe('200.5\n');
});
