/** A home in which a power cut has spoiled files: other jobs go on, and clean is the way out. */
import { appendFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { treeText } from '../harness/aftermath.js';
import { leftBehind } from '../harness/engine.js';
import { optml, scratch, start } from '../harness/optml.js';
import { shellJob, writeRequest, type Request } from '../harness/requests.js';

const STAYS = ['echo precious > /opt/ml/model/weights; echo written', 'sleep 600'].join('; ');

/** A job whose process was killed while its container ran. */
async function killedJob(home: string): Promise<{ name: string; folder: string }> {
  const request: Request = shellJob(STAYS);
  const running = start(['run', await writeRequest(home, request)], { home });
  await running.shows('algo-1 | written');
  running.signal('SIGKILL');
  await running.ended;
  const name = String(request['TrainingJobName']);
  return { name, folder: join(home, 'jobs/training', name) };
}

test('without a readable plan, the dead job is closed and its whole tree is kept', async () => {
  const home = await scratch('spoiled');
  const { name, folder } = await killedJob(home);
  await writeFile(join(folder, 'plan.json'), '');
  const other = await optml(['run', await writeRequest(home, shellJob('true'))], { home });
  expect(other.status).toBe(0);
  expect(other.stderr).not.toContain('Something went wrong inside');
  expect(await leftBehind(name)).toBe('');
  const described = await optml(['describe', name], { home });
  expect(JSON.parse(described.stdout)).toMatchObject({ TrainingJobStatus: 'Failed' });
  const [kept = ''] = await readdir(join(home, 'kept'));
  expect(await treeText(join(home, 'kept', kept), 'model/weights')).toBe('precious\n');
});

test('a journal with a spoiled line and one that was cut off is read without them, and gone on with', async () => {
  const home = await scratch('spoiled');
  const { name, folder } = await killedJob(home);
  await appendFile(join(folder, 'journal.ndjson'), '\0\0\0\0\n{"kind":"job.st');
  expect((await optml(['ps', '--json'], { home })).stdout).toContain(name);
  expect(await optml(['clean'], { home })).toMatchObject({ status: 0 });
  expect(await leftBehind(name)).toBe('');
  const described = await optml(['describe', name], { home });
  expect(JSON.parse(described.stdout)).toMatchObject({ TrainingJobStatus: 'Failed' });
});

test('a job of which nothing can be read does not keep others from being listed', async () => {
  const home = await scratch('spoiled');
  expect(
    (await optml(['run', await writeRequest(home, shellJob('true', { TrainingJobName: 'good' }))], { home }))
      .status,
  ).toBe(0);
  expect(
    (await optml(['run', await writeRequest(home, shellJob('true', { TrainingJobName: 'bad' }))], { home }))
      .status,
  ).toBe(0);
  await writeFile(join(home, 'jobs/training/bad/journal.ndjson'), 'no journal at all');
  const { status, stdout } = await optml(['ps', '--json'], { home });
  expect(status).toBe(0);
  expect((JSON.parse(stdout) as { name: string }[]).map(job => job.name)).toEqual(['good']);
});
