/** How a job in Pipe mode ends before its data does: nobody may take that for the end of the data, and nothing is left. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { clean, containerOf, describeJob, expectNothingLeft } from '../harness/aftermath.js';
import { docker } from '../harness/engine.js';
import { gatedStore, type GatedStore } from '../harness/gated-store.js';
import type { Held } from '../harness/gate.js';
import { startJob, type StartedJob } from '../harness/job.js';
import { afterThis, optml } from '../harness/optml.js';
import { feederOf, homeWith, pipeJob, untilGone } from '../harness/pipe-job.js';
import { channel, putObject } from '../harness/requests.js';
import { startSecondEngine } from '../harness/second-engine.js';

const run = promisify(execFile);

const FIRST = 3_000_000;
const ALL = FIRST + 1000;

/**
 * A job in the middle of its data: the first object is read, the second one's request is held in the store. Its container is to
 * put the number of bytes that it reads into the model, at what it takes for the end.
 */
async function inMidFeed(lines: readonly string[]): Promise<{
  job: StartedJob;
  feeder: number;
  store: GatedStore;
  second: Held;
  options: { readonly home: string; readonly env: Readonly<Record<string, string>> };
}> {
  const store = await gatedStore();
  store.objects.set('data/train/a', randomBytes(FIRST));
  store.objects.set('data/train/b', randomBytes(ALL - FIRST));
  const second = store.requests.hold(/^GET \/data\/train\/b/);
  const home = await homeWith({});
  const options = { home, env: { ...store.env, OPTML_STORE: store.url } };
  const job = await startJob(pipeJob(lines, [channel('train', 's3://data/train/')]), options);
  await job.shows('algo-1 | begun');
  await second.reached;
  return { job, feeder: await feederOf(job), store, second, options };
}

const BEGIN = 'exec 3<train_0; head -c 1000 <&3 > /dev/null; echo begun';
const COUNT = 'cat <&3 | wc -c > /tmp/rest; mv /tmp/rest /opt/ml/model/rest';

/** What the container took for the rest of its data; null when it never came to an end. */
async function restIn(store: GatedStore, job: string): Promise<string | null> {
  const model = store.objects.get(`outputs/here/${job}/output/model.tar.gz`);
  if (model === undefined) return null;
  const listing = run('tar', ['-xzOf', '-', 'rest']);
  listing.child.stdin?.end(model);
  return listing.then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}

describe('Ctrl-C', () => {
  test('once is a stop: the data goes on until the container has ended, whole', async () => {
    const { job, feeder, store, second } = await inMidFeed([
      `trap 'echo stopping; ${COUNT}; exit 0' TERM`,
      BEGIN,
      'while :; do sleep 0.05; done',
    ]);
    job.signal('SIGINT');
    await job.shows('algo-1 | stopping');
    second.release();
    const { status, described } = await job.finish();
    expect({ status, ended: described.TrainingJobStatus }).toEqual({ status: 4, ended: 'Stopped' });
    expect(await restIn(store, job.name)).toBe(String(ALL - 1000));
    await untilGone(feeder);
  });

  test('twice kills the container before its FIFO is closed', async () => {
    const { job, feeder } = await inMidFeed([`trap 'echo stopping' TERM`, BEGIN, `${COUNT}; echo ended`]);
    job.signal('SIGINT');
    await job.shows('Press again');
    // Signals that come too close to the first are one press with it.
    const pressing = setInterval(() => job.signal('SIGINT'), 50);
    const { status, log } = await job.finish().finally(() => clearInterval(pressing));
    expect(status).toBe(130);
    expect(log).not.toContain('ended');
    await untilGone(feeder);
  });
});

test('"optml stop" ends a container that waits for its data, and returns when the job has ended', async () => {
  const { job, feeder, store, options } = await inMidFeed([
    // What a shell waits for, its trap waits for too.
    `trap 'kill $!; exit 0' TERM`,
    BEGIN,
    `(${COUNT}) & wait`,
  ]);
  expect((await optml(['stop', job.name], options)).status).toBe(0);
  const { status, described } = await job.finish();
  expect({ status, ended: described.TrainingJobStatus }).toEqual({ status: 4, ended: 'Stopped' });
  expect(await restIn(store, job.name)).toBeNull();
  await untilGone(feeder);
});

describe('kill -9 of optml in mid-feed', () => {
  test('leaves the container waiting for its data, until "optml clean" ends it: nothing is left', async () => {
    const { job, feeder, store, options } = await inMidFeed([BEGIN, COUNT, 'echo ended']);
    job.signal('SIGKILL');
    await job.ended;
    expect(await docker('ps', '-q', '--filter', `label=optml.job=${job.name}`)).not.toBe('');
    expect(await clean(job.name, options)).toEqual([
      { what: 'job', name: job.name, job: job.name, done: 'closed' },
    ]);
    expect(await describeJob(job.name, options)).toMatchObject({ TrainingJobStatus: 'Failed' });
    expect(await restIn(store, job.name)).toBeNull();
    await untilGone(feeder);
    await expectNothingLeft(options.home, job.name);
  });

  test('leaves the feeder only until the epoch is whole: that is a true end, and there is no next one', async () => {
    const { job, feeder, store, second, options } = await inMidFeed([
      BEGIN,
      `${COUNT}; cat train_1 > /opt/ml/model/more`,
    ]);
    job.signal('SIGKILL');
    await job.ended;
    second.release();
    await untilGone(feeder);
    const container = await containerOf(job.name);
    await docker('exec', container, 'sh', '-c', 'until [ -e /opt/ml/model/rest ]; do sleep 0.01; done');
    expect(await clean(job.name, options)).toHaveLength(1);
    expect(await restIn(store, job.name)).toBe(String(ALL - 1000));
    await expectNothingLeft(options.home, job.name);
  });

  test('leaves the FIFO open, too, when an object cannot be had after that', async () => {
    const { job, feeder, store, second, options } = await inMidFeed([BEGIN, COUNT]);
    job.signal('SIGKILL');
    await job.ended;
    store.objects.delete('data/train/b');
    second.release();
    expect(await clean(job.name, options)).toHaveLength(1);
    expect(await restIn(store, job.name)).toBeNull();
    await untilGone(feeder);
    await expectNothingLeft(options.home, job.name);
  });
});

describe.skipIf(process.getuid?.() !== 0)('an engine elsewhere (needs root)', () => {
  test('refuses Pipe mode by name, before its container runs; nothing is left on either side', async () => {
    const far = await mkdtemp(join(tmpdir(), 'optml-far-'));
    const engine = await startSecondEngine({ images: ['optml-shell'], hidden: far });
    afterThis(async () => {
      await engine.stop();
      await rm(far, { recursive: true, force: true });
    });
    const home = await mkdtemp(join(far, 'home-'));
    await putObject(home, 's3://data/train/a', 'x');
    const job = await startJob(pipeJob(['echo ran'], [channel('train', 's3://data/train/')]), {
      home,
      env: { DOCKER_HOST: engine.url },
    });
    const { status, log, stderr, described } = await job.finish();
    expect({ status, log, ended: described.TrainingJobStatus }).toEqual({
      status: 1,
      log: [],
      ended: 'Failed',
    });
    expect(stderr).toContain('Pipe mode cannot be had on the Docker engine at');
    expect(await engine.docker('ps', '-aq')).toBe('');
    expect(await engine.docker('volume', 'ls', '-q')).toBe('');
  });
});
