/** Many small checkpoints while the job writes them: none is missed (contract §1.9). */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runJob } from '../harness/job.js';
import { scratch } from '../harness/optml.js';
import { shellJob } from '../harness/requests.js';

/** Writes them while nobody looks, in another place, and in the checkpoint folder; shows how long each took. */
const WRITER = [
  `write() { perl -MTime::HiRes=time -e '$t=time; for $d (1..2000) { mkdir $p="a".int($d/50); mkdir "$p/$d"; for (1..10) {`,
  `open F,">","$p/$d/$_"; print F "$d.$_\\n"; close F } } printf "%s %.3f\\n",shift,time-$t' $1; }`,
];

test('20,000 files in 2,000 folders, of which a half is written again and a tenth removed', async () => {
  const home = await scratch('home');
  const { status, log } = await runJob(
    shellJob(
      [
        WRITER.join(' '),
        'mkdir /opt/ml/model/x; cd /opt/ml/model/x; write elsewhere; rm -r /opt/ml/model/x',
        'cd /opt/ml/checkpoints; write here; sleep 3',
        'for d in a*/*; do for f in 1 3 5 7 9; do echo again > $d/$f; done; rm $d/10; done; sleep 3',
        'for d in a*/?0; do mv $d $d-moved; done',
      ],
      { CheckpointConfig: { S3Uri: 's3://ckpts/c' } },
    ),
    { home },
  );
  expect(status).toBe(0);
  console.log(log.join(' · '));
  const root = join(home, 's3/ckpts/c');
  const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter(one => one.isFile());
  expect(files).toHaveLength(18_000);
  const wrong: string[] = [];
  for (const { parentPath, name } of files) {
    const folder = parentPath.split('/').at(-1)?.replace('-moved', '') ?? '';
    const expected = Number(name) % 2 === 1 ? 'again\n' : `${folder}.${name}\n`;
    if ((await readFile(join(parentPath, name), 'utf8')) !== expected) wrong.push(join(parentPath, name));
  }
  expect(wrong).toEqual([]);
});
