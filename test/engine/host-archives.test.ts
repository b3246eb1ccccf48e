/** Outputs of a host whose rooms are volumes, and whose container somebody removed. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { dockerEngine } from '../../src/engine/docker/docker-engine.js';
import type { Engine, HostHandle, NamesHelper } from '../../src/engine/port.js';
import { tarOf } from '../../src/collect/tarball.js';
import { docker } from '../harness/engine.js';
import { gatedEngine } from '../harness/gated-engine.js';
import { afterThis, scratch } from '../harness/optml.js';
import { hostOf } from '../plan/plans.js';

const SIGNAL = new AbortController().signal;

/** As an ordinary user has it: nothing of this machine is bound. */
function engineOfUser(url = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock'): Engine {
  const engine = dockerEngine({
    endpoint: { url, from: 'the test' },
    mappedImages: {},
    credentials: () => Promise.resolve(undefined),
    ownsRootFiles: false,
  });
  afterThis(async () => engine.close());
  return engine;
}

/** An image that has a file where outputs go, and a volume of its own. */
async function imageWithFiles(): Promise<string> {
  const folder = await scratch('image');
  const name = `optml-test-${randomBytes(4).toString('hex')}`;
  const lines = ['FROM optml-shell:latest', 'RUN mkdir -p /opt/ml/model && touch /opt/ml/model/baked'];
  await writeFile(join(folder, 'Dockerfile'), [...lines, 'VOLUME /data'].join('\n'));
  await docker('build', '-q', '-t', name, folder);
  afterThis(async () => {
    await docker('rmi', '-f', name);
  });
  return name;
}

/** A host that has ended, with these lines run. */
async function ended(
  engine: Engine,
  { reference, line, names = null }: { reference: string; line: string; names?: NamesHelper | null },
): Promise<HostHandle> {
  const run = randomBytes(4).toString('hex');
  const labels = { job: `archive-${run}`, run, host: 'algo-1', owner: '' };
  const image = await engine.image(
    { reference, platform: 'linux/amd64' },
    { signal: SIGNAL, onPull: () => undefined, onProgress: () => undefined },
  );
  const plan = hostOf({});
  const folder = await scratch('room');
  const mounts = ['/opt/ml/model', '/opt/ml/output'].map(path => ({ path, writable: true }));
  for (const { path } of mounts) await mkdir(join(folder, path), { recursive: true });
  const container = { ...plan.container, entrypoint: ['sh', '-c', line], command: [], environment: {} };
  const handle = await engine.place(
    {
      plan: { ...plan, mounts, container },
      image,
      network: { kind: 'none', id: null, addresses: {} },
      names,
      folder,
      contents: () => tarOf(none(), () => undefined),
      shared: [],
      outside: {},
      labels,
    },
    SIGNAL,
  );
  afterThis(() => engine.remove(handle));
  const { ended: end } = await engine.start(handle, () => undefined);
  await end;
  return handle;
}

async function* none(): AsyncGenerator<never> {
  // An empty room.
}

async function filesIn(engine: Engine, host: HostHandle, path: string): Promise<string[]> {
  const archive = await engine.archive(host)?.(path);
  return archive === null || archive === undefined ? [] : namesOf(archive);
}

async function namesOf(archive: Readable): Promise<string[]> {
  const names: string[] = [];
  const reader = extract().on('entry', ({ name, type }, body, next) => {
    if (type === 'file') names.push(name);
    body.on('end', next).resume();
  });
  archive.pipe(reader);
  await once(reader, 'finish');
  return names;
}

async function removed(container: string): Promise<void> {
  await docker('rm', '-f', container);
}

function readerOf({ container }: HostHandle): string {
  return `optml-${container.slice(0, 12)}-reader`;
}

async function anonymousVolumes(): Promise<string[]> {
  return (await docker('volume', 'ls', '-q')).split('\n').filter(name => /^[0-9a-f]{64}$/.test(name));
}

test('they are the same as before, and nothing of the image; no volume of it is left', async () => {
  const before = await anonymousVolumes();
  const engine = engineOfUser();
  const host = await ended(engine, { reference: await imageWithFiles(), line: 'echo 1 > /opt/ml/output/o' });
  const seen = async (): Promise<string[][]> =>
    Promise.all(['/opt/ml/model', '/opt/ml/output', '/opt/ml/none'].map(path => filesIn(engine, host, path)));
  expect(await seen()).toEqual([[], ['output/o'], []]);
  await docker('rm', '-f', '-v', host.container);
  expect(await seen()).toEqual([[], ['output/o'], []]);
  await engine.remove(host);
  await engine.remove(host);
  expect(await docker('ps', '-aq', '--filter', `name=${readerOf(host)}`)).toBe('');
  expect((await anonymousVolumes()).filter(name => !before.includes(name))).toEqual([]);
});

test('what holds the volumes may be removed as well, or be left by a process that has died', async () => {
  const engine = engineOfUser();
  const host = await ended(engine, { reference: 'optml-shell:latest', line: 'echo 1 > /opt/ml/model/m' });
  await docker('rm', '-f', host.container);
  expect(await filesIn(engine, host, '/opt/ml/model')).toEqual(['model/m']);
  await docker('rm', '-f', readerOf(host));
  expect(await filesIn(engine, host, '/opt/ml/model')).toEqual(['model/m']);
  const next = engineOfUser();
  expect(await filesIn(next, host, '/opt/ml/model')).toEqual(['model/m']);
  // Of the first one, whose process is dead, it is there still.
  expect(await filesIn(engine, host, '/opt/ml/model')).toEqual(['model/m']);
  await engineOfUser().remove(host);
  expect(await docker('volume', 'ls', '-q', '--filter', `name=${host.volumes[0] ?? ''}`)).toBe('');
});

test('when a volume is gone, too, the host is lost; when all are, there is nothing', async () => {
  const engine = engineOfUser();
  const host = await ended(engine, { reference: 'optml-shell:latest', line: 'true' });
  const [first = '', second = ''] = host.volumes;
  await docker('rm', '-f', host.container);
  await docker('volume', 'rm', first);
  await expect(filesIn(engine, host, '/opt/ml/model')).rejects.toMatchObject({ code: 'CONTAINER_LOST' });
  await docker('volume', 'rm', second);
  expect(await filesIn(engine, host, '/opt/ml/model')).toEqual([]);
});

test('what holds the network of a host ends with it, and is there until its outputs were read', async () => {
  const gated = await gatedEngine();
  const helper = await docker('run', '-d', 'optml-shell:latest', 'sleep', 'infinity');
  afterThis(() => removed(helper));
  const order: string[] = [];
  const ending = gated.requests.hold(new RegExp(`^POST .*/${helper}/kill`));
  void ending.reached.then(() => {
    order.push('ended');
    ending.release();
  });
  const removal = gated.requests.hold(new RegExp(`^DELETE .*/${helper}`));
  const reached = removal.reached.then(() => order.push('removed'));
  const engine = engineOfUser(gated.url);
  const host = await ended(engine, {
    reference: 'optml-shell:latest',
    line: 'echo 1 > /opt/ml/model/m',
    names: { kind: 'helper', container: helper },
  });
  order.push(...(await filesIn(engine, host, '/opt/ml/model')));
  const removing = engine.remove(host);
  await reached;
  expect(order).toEqual(['ended', 'model/m', 'removed']);
  removal.release();
  await removing;
  expect(await docker('ps', '-aq', '--no-trunc', '--filter', `id=${helper}`)).toBe('');
});
