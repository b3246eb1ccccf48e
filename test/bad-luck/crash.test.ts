/** optml is killed: what it left is found, told, ended, collected and removed; and the same job runs again. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
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
  keptText,
  objectFile,
  sizesIn,
  textIn,
} from '../harness/aftermath.js';
import { docker, leftBehind } from '../harness/engine.js';
import { gatedEngine } from '../harness/gated-engine.js';
import { gatedStore } from '../harness/gated-store.js';
import { afterThis, optml, scratch, start, type Running, type Start } from '../harness/optml.js';
import { channel, jobName, putObject, shellJob, writeRequest, type Request } from '../harness/requests.js';

const CHANNEL = [channel('train', 's3://data/train/')];

/** A container that writes a model, says so, and goes on. */
const TRAINS = 'echo weights > /opt/ml/model/weights; echo written; while :; do sleep 0.1; done';

/** The same job, which ends. */
const ENDS = 'echo weights > /opt/ml/model/weights';

/** Not one of its helpers, which an ordinary user has. */
const MAKES_HOST = /^POST .*\/containers\/create\?(.*&)?name=[^&]*-algo-1(&|$)/;

describe('after kill -9', () => {
  it('in the survey, no job was made, and none is left', async () => {
    const { home, job, request } = await prepared(ENDS, { InputDataConfig: CHANNEL });
    const store = await gatedStore();
    store.objects.set('data/train/a', Buffer.from('a'));
    const listed = store.requests.hold(/^GET \/data\?/);
    const options = { home, env: store.env };
    const running = start(['run', request, '--store', store.url], options);
    await listed.reached;
    await kill(running);
    listed.release();

    expect(await list(options)).toEqual([]);
    expect(await clean(job, options, '--dry-run')).toEqual([
      { what: 'job', name: job, job, done: 'would be closed' },
    ]);
    expect(await clean(job, options)).toEqual([{ what: 'job', name: job, job, done: 'closed' }]);
    await expectNothingLeft(home, job);
    expectStatus(await optml(['run', request, '--store', store.url], options), 0);
    await expectNothingLeft(home, job);
  });

  it('in the download, the job is closed as Failed and its inputs are removed', async () => {
    const { home, job, request } = await prepared(ENDS, { InputDataConfig: CHANNEL });
    const store = await gatedStore();
    store.objects.set('data/train/a', Buffer.from('a'));
    store.objects.set('data/train/b', Buffer.from('b'));
    const asked = store.requests.hold(/^GET \/data\/train\/b/);
    const options = { home, env: store.env };
    const running = start(['run', request, '--store', store.url], options);
    await asked.reached;
    await kill(running);
    asked.release();

    expect(await list(options)).toMatchObject([{ name: job, status: 'InProgress' }]);
    await expectClosed(options, job);
    expectStatus(await optml(['run', request, '--store', store.url], options), 0);
    await expectNothingLeft(home, job);
  });

  it('while the engine makes the container, the container is found by its labels', async () => {
    const { home, job, request } = await prepared(ENDS);
    const engine = await gatedEngine();
    const created = engine.answers.hold(MAKES_HOST);
    const running = start(['run', request], { home, env: { DOCKER_HOST: engine.url } });
    await created.reached;
    await kill(running);

    expect(await containerOf(job)).not.toBe('');
    await expectClosed({ home }, job);
    await expectRunsAgain({ home, job, request });
  });

  it('with a container made and not started, the container is removed', async () => {
    const { home, job, request } = await prepared(ENDS);
    const engine = await gatedEngine();
    const created = engine.answers.hold(MAKES_HOST);
    const running = start(['run', request], { home, env: { DOCKER_HOST: engine.url } });
    await created.reached;
    const starting = engine.requests.hold(/^POST .*\/containers\/\w+\/start/);
    created.release();
    await starting.reached;
    await kill(running);

    expect(await containerOf(job)).not.toBe('');
    await expectClosed({ home }, job);
    await expectRunsAgain({ home, job, request });
  });

  it('with a running container, the container is ended and what it wrote is uploaded', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const running = start(['run', request], { home });
    await running.shows('algo-1 | written');
    await kill(running);

    expect(await list({ home })).toMatchObject([{ name: job, status: 'InProgress', ended: null }]);
    await expectClosed({ home }, job);
    expect(await textIn(modelOf(home, job), 'weights')).toBe('weights\n');
    const described = await describeJob(job, { home });
    expect(described.ModelArtifacts?.S3ModelArtifacts).toBe(`s3://outputs/here/${job}/output/model.tar.gz`);
    await writeRequest(home, shellJob(ENDS, { TrainingJobName: job }));
    await expectRunsAgain({ home, job, request });
  });

  it('while the job stops, the container is ended and what it wrote is uploaded', async () => {
    const line = `trap 'echo stopping' TERM; ${TRAINS}`;
    const { home, job, request } = await prepared(line);
    const running = start(['run', request], { home });
    await running.shows('algo-1 | written');
    running.signal('SIGTERM');
    await running.shows('algo-1 | stopping');
    await kill(running);

    expect(await list({ home })).toMatchObject([{ name: job, status: 'Stopping' }]);
    await expectClosed({ home }, job);
    expect(await textIn(modelOf(home, job), 'weights')).toBe('weights\n');
    await writeRequest(home, shellJob(ENDS, { TrainingJobName: job }));
    await expectRunsAgain({ home, job, request });
  });

  it('in the upload, what was not sent yet is sent', async () => {
    const big = 'head -c 30000000 /dev/urandom > /opt/ml/model/weights; echo data > /opt/ml/output/data/file';
    const { home, job, request } = await prepared(big);
    const store = await gatedStore();
    const sent = store.requests.hold(/^PUT .*\/model\.tar\.gz\?.*partNumber=2/);
    const options = { home, env: { ...store.env, OPTML_STORE: store.url } };
    const running = start(['run', request], options);
    await sent.reached;
    await kill(running);
    sent.release();

    expect(await list(options)).toMatchObject([{ name: job, status: 'InProgress' }]);
    await expectClosed(options, job);
    expect((await describeJob(job, options)).ModelArtifacts).toBeDefined();
    const folder = await scratch('unpacked');
    for (const [name, sizes] of [
      ['model', { weights: 30_000_000 }],
      ['output', { file: 5 }],
    ] as const) {
      const tarball = join(folder, `${name}.tar.gz`);
      await writeFile(tarball, store.objects.get(`outputs/here/${job}/output/${name}.tar.gz`) ?? '');
      expect(await sizesIn(tarball)).toEqual(sizes);
    }
    expectStatus(await optml(['run', request], options), 0);
    await expectNothingLeft(home, job);
  });

  it('of "clean" too, the next "clean" takes over', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const store = await gatedStore();
    const options = { home, env: { ...store.env, OPTML_STORE: store.url } };
    const running = start(['run', request], options);
    await running.shows('algo-1 | written');
    await kill(running);
    const sent = store.requests.hold(/^PUT .*\/model\.tar\.gz/);
    const cleaning = start(['clean'], options);
    await sent.reached;
    await kill(cleaning);
    sent.release();

    await expectClosed(options, job);
    expect([...store.objects.keys()]).toEqual([`outputs/here/${job}/output/model.tar.gz`]);
  });

  it('outputs for another store than the present one are kept and named', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const store = await gatedStore();
    const running = start(['run', request, '--store', store.url], { home, env: store.env });
    await running.shows('algo-1 | written');
    await kill(running);

    const cleaned = await optml(['clean'], { home });
    expectStatus(cleaned, 0);
    await expectNothingLeft(home, job);
    const [kept = ''] = await keptPaths(cleaned);
    expect(await keptText(kept, 'weights')).toBe('weights\n');
    expect(cleaned.stderr).toContain(`the job ran on the store at ${store.url}, not on the embedded store`);
  });

  it('outputs are kept and named when the store is gone too', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const store = await gatedStore();
    const options = { home, env: { ...store.env, OPTML_STORE: store.url } };
    const running = start(['run', request], options);
    await running.shows('algo-1 | written');
    await kill(running);
    await store.stop();

    const cleaned = await optml(['clean'], options);
    expectStatus(cleaned, 0);
    await expectNothingLeft(home, job);
    const [kept = ''] = await keptPaths(cleaned);
    expect(await keptText(kept, 'weights')).toBe('weights\n');
  });

  it('the next run of another job closes the dead one first', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const running = start(['run', request], { home });
    await running.shows('algo-1 | written');
    await kill(running);

    const next = shellJob('true');
    const name = String(next['TrainingJobName']);
    const result = await optml(['run', await writeRequest(home, next), '--json'], { home });
    expectStatus(result, 0);
    expect((JSON.parse(result.stdout) as Request)['TrainingJobName']).toBe(name);
    expect((await describeJob(job, { home })).TrainingJobStatus).toBe('Failed');
    expect(await textIn(modelOf(home, job), 'weights')).toBe('weights\n');
    await expectNothingLeft(home, job);
    await expectNothingLeft(home, name);
  });

  it('"stop" and "logs -f" of the dead job do not wait for it', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const running = start(['run', request], { home });
    await running.shows('algo-1 | written');
    await kill(running);

    expectRefusal(await optml(['stop', job], { home }), 2, job, 'optml clean');
    const followed = await optml(['logs', '-f', job], { home });
    expectStatus(followed, 0);
    expect(followed.stdout).toContain('written');
    await expectClosed({ home }, job);
  });

  it('a container that ended meanwhile is collected, whatever its end', async () => {
    const waits =
      'trap "go=1" USR1; echo weights > /opt/ml/model/weights; echo written; until [ "$go" ]; do sleep 0.05; done';
    const { home, job, request } = await prepared(waits);
    const running = start(['run', request], { home });
    await running.shows('algo-1 | written');
    await kill(running);
    const container = await containerOf(job);
    await docker('kill', '-s', 'USR1', container);
    await docker('wait', container);

    await expectClosed({ home }, job);
    expect(await textIn(modelOf(home, job), 'weights')).toBe('weights\n');
  });
});

describe('owners', () => {
  it('a number that another process has by now does not keep a dead job alive', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const running = start(['run', request], { home });
    await running.shows('algo-1 | written');
    await kill(running);
    await changeOwner(home, owner => ({ ...owner, pid: process.pid }));

    await expectClosed({ home }, job);
    expect(await textIn(modelOf(home, job), 'weights')).toBe('weights\n');
  });

  it('things in the engine of an unknown owner stay', async () => {
    const { home } = await prepared(ENDS);
    const job = jobName('stranger');
    const owner = JSON.stringify({
      machine: 'another machine',
      boot: '',
      pidNamespace: '',
      pid: 1,
      started: '1',
      home,
    });
    const labels = [
      '--label',
      `optml.job=${job}`,
      '--label',
      `optml.run=${job}-1`,
      '--label',
      `optml.owner=${owner}`,
    ];
    const container = await docker('create', ...labels, 'optml-shell', 'true');
    const volume = await docker('volume', 'create', ...labels, `${job}-volume`);
    afterThis(async () => {
      if ((await leftBehind(job)) !== '') await docker('rm', '-fv', container);
    });

    const stays = await clean(job, { home });
    expect(stays).toMatchObject([
      { what: 'container', done: expect.stringContaining('--force') as string },
      { what: 'volume', name: volume, done: expect.stringContaining('--force') as string },
    ]);
    expect(await leftBehind(job)).not.toBe('');
    // By name: other homes' things are as unknown here as these.
    await docker('rm', '-v', container);
    await docker('volume', 'rm', volume);
  });

  it('of two runs of one name at the same moment exactly one runs', async () => {
    const { home, job, request } = await prepared("trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done");
    const runs = [start(['run', request], { home }), start(['run', request], { home })];
    const first = await Promise.race(runs.map(async run => ({ run, result: await run.ended })));
    expectRefusal(first.result, 2, job, 'optml stop');
    const other = runs.find(run => run !== first.run) as Running;
    await other.shows('algo-1 | up');
    expect((await containerOf(job)).split('\n')).toHaveLength(1);
    const stopped = await optml(['stop', job], { home });
    expectStatus(stopped, 0);
    expectStatus(await other.ended, 4);
    await expectNothingLeft(home, job);
  });

  it('a socket that a dead process left is no obstacle', async () => {
    const { home, job, request } = await prepared("trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done");
    const dead = start(['run', request], { home });
    await dead.shows('algo-1 | up');
    await kill(dead);
    const sockets = (await readdir(join(home, 'run'))).filter(name => name.endsWith('.sock'));
    expect(sockets).toHaveLength(1);

    const again = start(['run', request], { home });
    await again.shows('algo-1 | up');
    expectStatus(await optml(['stop', job], { home }), 0);
    expectStatus(await again.ended, 4);
    await expectNothingLeft(home, job);
  });

  it('a plain file in the place of the socket is no obstacle', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const dead = start(['run', request], { home });
    await dead.shows('algo-1 | written');
    const [socket = ''] = (await readdir(join(home, 'run'))).filter(name => name.endsWith('.sock'));
    await kill(dead);
    await clean(job, { home });
    await writeFile(join(home, 'run', socket), 'not a socket');
    await writeRequest(home, shellJob('true', { TrainingJobName: job }));
    expectStatus(await optml(['run', request], { home }), 0);
    await expectNothingLeft(home, job);
  });
});

async function prepared(
  line: string,
  members: Request = {},
): Promise<{ home: string; job: string; request: string }> {
  const home = await scratch('crash');
  const body = shellJob(line, members);
  await putObject(home, 's3://data/train/a', 'a');
  const job = String(body['TrainingJobName']);
  afterThis(() => removeContainers(job));
  return { home, job, request: await writeRequest(home, body) };
}

/** A test that fails must not leave its container to the others. */
async function removeContainers(job: string): Promise<void> {
  const found = await containerOf(job);
  if (found !== '') await docker('rm', '-fv', ...found.split('\n'));
}

async function kill(running: Running): Promise<void> {
  running.signal('SIGKILL');
  expect((await running.ended).signal).toBe('SIGKILL');
}

/** `clean` tells, then closes; afterwards there is nothing, and nothing to clean. */
async function expectClosed(options: Start, job: string): Promise<void> {
  const wouldBe = await clean(job, options, '--dry-run');
  expect(wouldBe).toContainEqual({
    what: 'job',
    name: job,
    job,
    done: 'would be closed',
  });
  expect(await clean(job, options)).toEqual([{ what: 'job', name: job, job, done: 'closed' }]);
  await expectNothingLeft(options.home, job);
  const { TrainingJobStatus, FailureReason } = await describeJob(job, options);
  expect({ TrainingJobStatus, FailureReason }).toEqual({
    TrainingJobStatus: 'Failed',
    FailureReason: 'InternalServerError: We encountered an internal error.  Please try again.',
  });
  expect(await clean(job, options)).toEqual([]);
}

async function expectRunsAgain({
  home,
  job,
  request,
}: {
  home: string;
  job: string;
  request: string;
}): Promise<void> {
  const again = await optml(['run', request, '--json'], { home });
  expectStatus(again, 0);
  expect((JSON.parse(again.stdout) as Request)['TrainingJobStatus']).toBe('Completed');
  expect(await textIn(modelOf(home, job), 'weights')).toBe('weights\n');
  await expectNothingLeft(home, job);
}

async function list(options: Start): Promise<unknown> {
  const result = await optml(['ps', '--json'], options);
  expectStatus(result, 0);
  return JSON.parse(result.stdout);
}

function modelOf(home: string, job: string): string {
  return objectFile(home, `s3://outputs/here/${job}/output/model.tar.gz`);
}

async function changeOwner(home: string, change: (owner: Request) => Request): Promise<void> {
  const [lock = ''] = (await readdir(join(home, 'run'))).filter(name => name.endsWith('.lock'));
  const file = join(home, 'run', lock);
  await writeFile(file, JSON.stringify(change(JSON.parse(await readFile(file, 'utf8')) as Request)));
}
