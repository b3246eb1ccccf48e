/** A stop in each phase of a job of four hosts: Stopped, with what there is in the store, and nothing left (contract §1.11). */
import { describe, expect, test } from 'vitest';
import { docker } from '../harness/engine.js';
import { gatedEngine } from '../harness/gated-engine.js';
import { gatedStore, type GatedStore } from '../harness/gated-store.js';
import { heldStop } from '../harness/held-stop.js';
import { startJob, type EndedJob, type StartedJob } from '../harness/job.js';
import { optml } from '../harness/optml.js';
import { shellJob, type Request } from '../harness/requests.js';

const HOSTS = ['algo-1', 'algo-2', 'algo-3', 'algo-4'];

/** Each host writes a checkpoint and a part of the model, says so, and saves more when it is told to end. */
function fourHosts(): Request {
  return shellJob(
    [
      'own=$(hostname); cd /opt/ml/checkpoints; [ -e restored ] || exit 1; echo 1 > $own; echo 1 > /opt/ml/model/$own',
      'trap "echo 2 > $own; echo told; exit 9" TERM; echo ready; while :; do sleep 0.1; done',
    ],
    {
      ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 4, VolumeSizeInGB: 1 },
      CheckpointConfig: { S3Uri: 's3://ckpts/c' },
      EnableManagedSpotTraining: true,
      StoppingCondition: { MaxRuntimeInSeconds: 600, MaxWaitTimeInSeconds: 600 },
    },
  );
}

interface At {
  readonly store: GatedStore;
  readonly start: (options?: {
    readonly engine?: string;
    readonly args?: readonly string[];
  }) => Promise<StartedJob>;
}

async function prepared(): Promise<At> {
  const store = await gatedStore();
  store.objects.set('ckpts/c/restored', Buffer.from('r'));
  return {
    store,
    start: ({ engine, args = [] } = {}) =>
      startJob(fourHosts(), {
        args: ['--store', store.url, ...args],
        env: { ...store.env, ...(engine === undefined ? {} : { DOCKER_HOST: engine }) },
      }),
  };
}

/** Ctrl-C, or `optml stop` in another terminal, which returns when the job has ended. */
const STOPS: Record<string, (job: StartedJob) => Promise<() => Promise<void>>> = {
  'Ctrl-C': async job => {
    job.signal('SIGINT');
    await job.shows('Press again to kill');
    return () => Promise.resolve();
  },
  'optml stop': async job => {
    const stopped = optml(['stop', job.name], { home: job.home });
    await job.shows('Stopping - ');
    return async () => expect((await stopped).status).toBe(0);
  },
};

function expectStopped({ status, described }: EndedJob): void {
  expect({ status, job: described.SecondaryStatus }).toEqual({ status: 4, job: 'Stopped' });
}

function checkpoints({ objects }: GatedStore): Record<string, string> {
  const found = [...objects].filter(([name]) => name.startsWith('ckpts/c/'));
  return Object.fromEntries(
    found.map(([name, content]) => [name.slice('ckpts/c/'.length), content.toString()]),
  );
}

const SAVED = { restored: 'r', ...Object.fromEntries(HOSTS.map(host => [host, '2\n'])) };

async function allReady(job: StartedJob): Promise<void> {
  await Promise.all(HOSTS.map(host => job.shows(`${host} | ready`)));
}

describe.each(Object.entries(STOPS))('%s', (_, stop) => {
  test('while checkpoints are downloaded', async () => {
    const { store, start } = await prepared();
    const asked = store.requests.hold(/^GET \/ckpts\/c\/restored/);
    const job = await start();
    await asked.reached;
    const returned = await stop(job);
    asked.release();
    expectStopped(await job.finish());
    await returned();
    expect(checkpoints(store)).toEqual({ restored: 'r' });
  });

  test('while hosts are placed', async () => {
    const { store, start } = await prepared();
    const engine = await gatedEngine();
    const third = engine.answers.hold(/^POST .*\/containers\/create.*algo-3/);
    const job = await start({ engine: engine.url });
    await third.reached;
    const returned = await stop(job);
    third.release();
    const ended = await job.finish();
    expectStopped(ended);
    await returned();
    expect(ended.stderr).not.toContain('| ready');
    expect(checkpoints(store)).toEqual({ restored: 'r' });
  });

  test('while they run', async () => {
    const { store, start } = await prepared();
    const job = await start();
    await allReady(job);
    const returned = await stop(job);
    expectStopped(await job.finish());
    await returned();
    expect(checkpoints(store)).toEqual(SAVED);
    expect([...store.objects.keys()].filter(name => name.endsWith('/model.tar.gz'))).toHaveLength(1);
  });

  test('while an interrupted job starts anew', async () => {
    const { store, start } = await prepared();
    const { engine, release } = await heldStop();
    const job = await start({ engine: engine.url, args: ['--interrupt-after', '0.1'] });
    await allReady(job);
    // Not those of its helpers, which go before them.
    const containers = await docker('ps', '-aq', '--no-trunc', '--filter', `label=optml.job=${job.name}`);
    const removed = engine.requests.hold(
      new RegExp(`^DELETE .*/containers/(${containers.replaceAll('\n', '|')})`),
    );
    release();
    await removed.reached;
    const returned = await stop(job);
    removed.release();
    const ended = await job.finish();
    expectStopped(ended);
    await returned();
    expect(ended.described.SecondaryStatusTransitions.map(one => one.Status).slice(2)).toEqual([
      ...['Training', 'Interrupted', 'Stopping', 'Stopped'],
    ]);
    expect(checkpoints(store)).toEqual(SAVED);
  });
});

test('while what a stop has saved is uploaded, another one changes nothing', async () => {
  const { store, start } = await prepared();
  const uploading = store.requests.hold(/^PUT .*\/model\.tar\.gz/);
  const job = await start();
  await allReady(job);
  job.signal('SIGINT');
  await uploading.reached;
  const stopped = optml(['stop', job.name], { home: job.home });
  uploading.release();
  expectStopped(await job.finish());
  expect([0, 2]).toContain((await stopped).status);
  expect(checkpoints(store)).toEqual(SAVED);
  expect([...store.objects.keys()].filter(name => name.endsWith('/model.tar.gz'))).toHaveLength(1);
});
