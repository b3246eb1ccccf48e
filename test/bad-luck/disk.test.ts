/** The disk of the home is full, wherever in a job's course. */
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  clean,
  containerOf,
  describeJob,
  expectNothingLeft,
  expectRefusal,
  expectStatus,
  keptPaths,
  objectFile,
  sizesIn,
  textIn,
  type Described,
} from '../harness/aftermath.js';
import { docker } from '../harness/engine.js';
import { gatedStore } from '../harness/gated-store.js';
import { afterThis, optml, start } from '../harness/optml.js';
import { channel, putObject, shellJob, writeRequest, type Request } from '../harness/requests.js';
import { fillUp, smallDisk } from '../harness/small-disk.js';

const FULL = 'No space is left on the disk';
const MB = 1_000_000;

describe.skipIf(process.getuid?.() !== 0)('a full disk (needs root, for a small one)', () => {
  it('before the start: nothing is begun', async () => {
    const { home, job, request } = await prepared('size=4m', 'true');
    await fillUp(join(home, 'filler'));
    expectRefusal(await optml(['run', request, '--json'], { home }), 3, FULL, '--home');
    await rm(join(home, 'filler'));
    await expectNothingLeft(home, job);
    expectStatus(await optml(['run', request], { home }), 0);
    await expectNothingLeft(home, job);
  });

  it('while inputs are copied from the embedded store', async () => {
    const { home, job, request } = await prepared('size=24m', 'true', { InputDataConfig: CHANNEL });
    await putObject(home, 's3://data/train/a', Buffer.alloc(14 * MB, 1));
    const result = await optml(['run', request, '--json'], { home });
    expectStatus(result, 1);
    expect(describedIn(result.stdout)).toMatchObject({
      TrainingJobStatus: 'Failed',
      FailureReason: expect.stringMatching(`^ClientError: Data download failed:${FULL}`) as string,
    });
    await expectNothingLeft(home, job);
    expect(await describeJob(job, { home })).toEqual(describedIn(result.stdout));
  });

  it('with no inode free, at whatever step that shows: one sentence, and nothing left but what was there', async () => {
    for (const inodes of [14, 18, 22, 26, 30, 34, 38]) {
      const { home, job, request } = await prepared(`size=50m,nr_inodes=${inodes}`, 'true', {
        InputDataConfig: CHANNEL,
      });
      const store = await gatedStore();
      for (const index of [1, 2, 3, 4]) store.objects.set(`data/train/${index}`, Buffer.from('x'));
      const result = await optml(['run', request, '--json', '--store', store.url], { home, env: store.env });
      expect([0, 1, 3]).toContain(result.status);
      expect(result.stderr).not.toMatch(/Something went wrong inside|\n\s+at /);
      if (result.status !== 0) expect(result.stderr).toContain(FULL);
      // Once there was a job, its end is told.
      if (result.status === 1) expect(describedIn(result.stdout).FailureReason).toContain(FULL);
      await expectNothingLeft(home, job);
    }
  });

  it('while inputs come from a server, small ones and a large one', async () => {
    for (const sizes of [[14 * MB], Array.from({ length: 20 }, () => 0.7 * MB)]) {
      const { home, job, request } = await prepared('size=10m', 'true', { InputDataConfig: CHANNEL });
      const store = await gatedStore();
      for (const [index, size] of sizes.entries())
        store.objects.set(`data/train/${index}`, Buffer.alloc(size, 1));
      const result = await optml(['run', request, '--json', '--store', store.url], { home, env: store.env });
      expectStatus(result, 1);
      expect(describedIn(result.stdout).FailureReason).toContain(FULL);
      await expectNothingLeft(home, job);
    }
  });

  it('while the container writes its model: what it wrote is kept', async () => {
    const line =
      'echo first > /opt/ml/model/first; head -c 100000000 /dev/urandom > /opt/ml/model/big; exit 9';
    const { home, job, request } = await prepared('size=16m', line);
    const result = await optml(['run', request, '--json'], { home });
    expectStatus(result, 1);
    // First cause wins.
    expect(describedIn(result.stdout)).toMatchObject({
      TrainingJobStatus: 'Failed',
      FailureReason: 'AlgorithmError: , exit code: 9',
    });
    expect(result.stderr).toContain(FULL);
    const [kept = ''] = await keptPaths(result);
    expect(await readFile(join(kept, 'first'), 'utf8')).toBe('first\n');
    expect((await stat(join(kept, 'big'))).size).toBeGreaterThan(10 * MB);
    await expectNothingLeft(home, job);
    expect(await clean(job, { home })).toEqual([]);
    expect(await readFile(join(kept, 'first'), 'utf8')).toBe('first\n');
    expect(await describeJob(job, { home })).toMatchObject({
      FailureReason: 'AlgorithmError: , exit code: 9',
    });
  });

  it('while the model goes into the embedded store: it is kept, whole', async () => {
    const line = 'head -c 10000000 /dev/urandom > /opt/ml/model/weights; cksum < /opt/ml/model/weights';
    const { home, job, request } = await prepared('size=16m', line);
    const result = await optml(['run', request, '--json'], { home });
    expectStatus(result, 1);
    expect(describedIn(result.stdout)).toMatchObject({
      TrainingJobStatus: 'Failed',
      FailureReason: expect.stringMatching(`^ClientError: Artifact upload failed:${FULL}`) as string,
    });
    expect(describedIn(result.stdout).ModelArtifacts).toBeUndefined();
    const [kept = ''] = await keptPaths(result);
    expect((await stat(join(kept, 'weights'))).size).toBe(10 * MB);
    await expectNothingLeft(home, job);
    // Nothing half-made under the artifact's name.
    await expect(stat(objectFile(home, `s3://outputs/here/${job}/output/model.tar.gz`))).rejects.toThrow(
      'ENOENT',
    );
  });

  it('while the log grows: the job goes on, and says what was lost', async () => {
    const line =
      'echo weights > /opt/ml/model/weights; yes "a line of a log that takes all the room there is" | head -n 200000; echo done';
    const { home, job, request } = await prepared('size=4m', line);
    const store = await gatedStore();
    const result = await optml(['run', request, '--json', '--store', store.url], { home, env: store.env });
    expectStatus(result, 0);
    expect(describedIn(result.stdout).TrainingJobStatus).toBe('Completed');
    expect(result.stderr).toContain('algo-1 | done');
    expect(store.objects.get(`outputs/here/${job}/output/model.tar.gz`)).toBeDefined();
    await expectNothingLeft(home, job);
    expectStatus(await optml(['logs', job], { home }), 0);
  });

  it('without room even for the folder of kept outputs: they are left, named, and kept later', async () => {
    const line =
      'echo weights > /opt/ml/model/weights; i=0; while touch /opt/ml/input/data/$i; do i=$((i+1)); done; exit 9';
    const { home, job, request } = await prepared('size=16m,nr_inodes=200', line);
    const store = await gatedStore();
    const options = { home, env: store.env };
    const sent = store.requests.hold(/^PUT .*model\.tar\.gz/);
    const running = start(['run', request, '--json', '--store', store.url], options);
    await sent.reached;
    await store.stop();
    const result = await running.ended;
    expectStatus(result, 1);
    const [, where = ''] =
      /\/opt\/ml\/model could neither be uploaded nor kept .*; it is left in (\S+)/.exec(result.stderr) ?? [];
    expect(await readFile(join(where, 'opt/ml/model/weights'), 'utf8')).toBe('weights\n');

    // A new run would take its place.
    expectRefusal(await optml(['run', request], { home }), 2, job, 'optml clean');
    expect(await readFile(join(where, 'opt/ml/model/weights'), 'utf8')).toBe('weights\n');
    await rm(join(where, 'opt/ml/input'), { recursive: true });
    expect(await clean(job, { home }, '--dry-run')).toContainEqual({
      what: 'outputs',
      name: job,
      job,
      done: 'would be kept',
    });
    const cleaned = await optml(['clean'], { home });
    expectStatus(cleaned, 0);
    const [kept = ''] = await keptPaths(cleaned);
    expect(await readFile(join(kept, 'weights'), 'utf8')).toBe('weights\n');
    await expectNothingLeft(home, job);
  });

  it('and kill -9: clean closes the job when there is room again', async () => {
    const line = 'echo weights > /opt/ml/model/weights; echo written; while :; do sleep 0.1; done';
    const { home, job, request } = await prepared('size=8m', line);
    const running = start(['run', request], { home });
    await running.shows('algo-1 | written');
    await fillUp(join(home, 'filler'));
    running.signal('SIGKILL');
    await running.ended;
    const refused = await optml(['clean'], { home });
    expectRefusal(refused, 3, FULL);
    await rm(join(home, 'filler'));
    await clean(job, { home });
    await expectNothingLeft(home, job);
    expect((await describeJob(job, { home })).TrainingJobStatus).toBe('Failed');
    const model = objectFile(home, `s3://outputs/here/${job}/output/model.tar.gz`);
    expect(await sizesIn(model)).toEqual({ weights: 8 });
    expect(await textIn(model, 'weights')).toBe('weights\n');
  });
});

const CHANNEL = [channel('train', 's3://data/train/')];

async function prepared(
  disk: string,
  line: string,
  members: Request = {},
): Promise<{ home: string; job: string; request: string }> {
  const home = await smallDisk(disk);
  const body = shellJob(line, members);
  const job = String(body['TrainingJobName']);
  afterThis(async () => {
    const container = await containerOf(job);
    if (container !== '') await docker('rm', '-fv', container);
  });
  return { home, job, request: await writeRequest(home, body) };
}

function describedIn(stdout: string): Described {
  return JSON.parse(stdout) as Described;
}
