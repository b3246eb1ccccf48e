/** The engine is not there, ends in mid-run, or is another machine's. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  clean,
  containerOf,
  describeJob,
  expectNothingLeft,
  expectRefusal,
  expectStatus,
  keptPaths,
  keptText,
  ROOMS_ARE_VOLUMES,
  objectFile,
  textIn,
  type Described,
} from '../harness/aftermath.js';
import { docker } from '../harness/engine.js';
import { gatedEngine } from '../harness/gated-engine.js';
import { gatedStore } from '../harness/gated-store.js';
import { afterThis, CLI, optml, scratch, start } from '../harness/optml.js';
import { channel, putObject, shellJob, writeRequest, type Request } from '../harness/requests.js';
import { startSecondEngine, type SecondEngine } from '../harness/second-engine.js';

const isRoot = process.getuid?.() === 0;

/** A container that writes a model, says so, and goes on; when the engine is started again, it does not make it wait. */
const TRAINS =
  'trap "exit 0" TERM; echo weights > /opt/ml/model/weights; echo written; while :; do sleep 0.1; done';
const TRAINS_ON = TRAINS.replace('exit 0', "echo stopping; trap 'exit 0' TERM");

describe('no engine', () => {
  it.each([
    ['a socket that is not there', async () => `unix://${await socketPath()}`, 'ENOENT'],
    ['a socket that nobody listens on', async () => `unix://${await deadSocket()}`, 'ECONNREFUSED'],
    ['a port that nobody listens on', async () => `tcp://127.0.0.1:${await unusedPort()}`, 'ECONNREFUSED'],
    ['a name that nobody knows', () => Promise.resolve('tcp://no-such-host.invalid:2375'), 'no-such-host'],
  ])('%s: nothing is begun', async (_what, address, word) => {
    const DOCKER_HOST = await address();
    const { home, job, request } = await prepared('true');
    expectRefusal(
      await optml(['run', request, '--json'], { home, env: { DOCKER_HOST } }),
      3,
      DOCKER_HOST,
      'DOCKER_HOST',
      word,
      '--docker-host',
    );
    await expectNothingLeft(home, job);
    expectRefusal(await optml(['clean'], { home, env: { DOCKER_HOST } }), 3, DOCKER_HOST);
    expect(JSON.parse((await optml(['ps', '--json'], { home, env: { DOCKER_HOST } })).stdout)).toEqual([]);
  });

  it('--docker-host is named when it is the cause', async () => {
    const { home, request } = await prepared('true');
    const refused = await optml(['run', request, '--docker-host', `unix://${await socketPath()}`], { home });
    expectRefusal(refused, 3, '(from --docker-host)');
  });

  it.each(['nonsense', 'tcp://', 'unix://', 'gopher://somewhere'])(
    '%s is no address of an engine',
    async DOCKER_HOST => {
      const { home, job, request } = await prepared('true');
      const refused = await optml(['run', request], { home, env: { DOCKER_HOST } });
      expectRefusal(refused, 2, DOCKER_HOST, 'DOCKER_HOST', 'unix:///path');
      await expectNothingLeft(home, job);
    },
  );

  it('something that is no engine answers', async () => {
    const web = createServer(socket => {
      socket.on('error', () => undefined);
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello'),
      );
    });
    const DOCKER_HOST = `unix://${await listening(web)}`;
    const { home, job, request } = await prepared('true');
    expectRefusal(await optml(['run', request], { home, env: { DOCKER_HOST } }), 3, DOCKER_HOST);
    await expectNothingLeft(home, job);
  });

  it('something that never answers is not waited for for ever', async () => {
    const silent = createServer(socket => socket.on('error', () => undefined));
    const DOCKER_HOST = `unix://${await listening(silent)}`;
    const { home, job, request } = await prepared('true');
    expectRefusal(await optml(['run', request], { home, env: { DOCKER_HOST } }), 3, DOCKER_HOST);
    await expectNothingLeft(home, job);
  });

  it.skipIf(!isRoot)('a socket that this user may not use (needs root)', async () => {
    const forbidden = createServer(socket => socket.destroy());
    const socket = await listening(forbidden);
    await chown(socket, NOBODY, NOBODY);
    await chmod(socket, 0o600);
    const { home, job, request } = await prepared('true');
    // Root without the right to pass over modes: it reads the checkout wherever that lies, and no socket of others.
    const asNobody = [
      'setpriv',
      '--bounding-set=-dac_override,-dac_read_search',
      '--inh-caps=-dac_override,-dac_read_search',
      process.execPath,
      CLI,
    ] as const;
    const refused = await optml(['run', request], {
      home,
      command: asNobody,
      env: { DOCKER_HOST: `unix://${socket}` },
    });
    expectRefusal(refused, 3, socket, 'may not be used by this user', 'usermod -aG docker');
    await expectNothingLeft(home, job);
  });
});

it('an engine that answers nothing any more does not hold up a second signal: the outputs are kept', async () => {
  const { home, job, request } = await prepared(TRAINS);
  const engine = await gatedEngine();
  const running = start(['run', request, '--json'], { home, env: { DOCKER_HOST: engine.url } });
  await running.shows('algo-1 | written');
  const asked = engine.requests.hold(/^POST .*\/stop/);
  engine.requests.hold(/^(?!POST .*\/stop)/);
  running.signal('SIGTERM');
  await asked.reached;
  // Signals that come too close to the first are one press with it.
  const pressing = setInterval(() => running.signal('SIGTERM'), 50);
  const result = await running.ended.finally(() => clearInterval(pressing));
  expectStatus(result, 130);
  expect(describedIn(result.stdout).TrainingJobStatus).toBe('Stopped');
  // What lies in volumes can only be had from an engine that answers: clean asks it again.
  const cleaned = await optml(['clean'], { home });
  expectStatus(cleaned, 0);
  const [kept = ''] = await keptPaths(ROOMS_ARE_VOLUMES ? cleaned : result);
  expect(await keptText(kept, 'weights')).toBe('weights\n');
  await expectNothingLeft(home, job);
});

it('the container is removed while the job runs: the job is Failed, and its outputs are uploaded', async () => {
  const { home, job, request } = await prepared(TRAINS);
  const running = start(['run', request, '--json'], { home });
  await running.shows('algo-1 | written');
  await docker('rm', '-f', await containerOf(job));
  const result = await running.ended;
  expectStatus(result, 1);
  expect(describedIn(result.stdout)).toMatchObject({
    TrainingJobStatus: 'Failed',
    FailureReason: 'InternalServerError: We encountered an internal error.  Please try again.',
  });
  expect(result.stderr).toContain('The container of algo-1 was removed by somebody else while it ran: ');
  const model = objectFile(home, `s3://outputs/here/${job}/output/model.tar.gz`);
  expect(await textIn(model, 'weights')).toBe('weights\n');
  await expectNothingLeft(home, job);
});

describe.skipIf(!isRoot)('an engine of its own (needs root)', () => {
  let engine: SecondEngine;
  /** A folder that the engine finds empty. */
  let far: string;

  beforeAll(async () => {
    far = await mkdtemp(join(tmpdir(), 'optml-far-'));
    engine = await startSecondEngine({ images: ['optml-shell', 'optml-user-1000'], hidden: far });
  });
  beforeEach(() => engine.start());
  afterAll(async () => {
    await engine.stop();
    await rm(far, { recursive: true, force: true });
  });

  it('is killed while the job runs: the job is Failed, the outputs are kept, and clean removes the rest', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const options = { home, env: { DOCKER_HOST: engine.url } };
    const running = start(['run', request, '--json'], options);
    await running.shows('algo-1 | written');
    await engine.kill();
    const result = await running.ended;
    expectStatus(result, 1);
    expect(describedIn(result.stdout)).toMatchObject({
      TrainingJobStatus: 'Failed',
      FailureReason: 'InternalServerError: We encountered an internal error.  Please try again.',
    });
    expect(result.stderr).toContain(`The Docker engine at ${engine.url} (from DOCKER_HOST) does not answer`);
    const [kept = ''] = await keptPaths(result);
    expect(await readFile(join(kept, 'weights'), 'utf8')).toBe('weights\n');

    await engine.start();
    expect(await clean(job, options, '--dry-run')).toMatchObject([
      { what: 'container', job, done: 'would be removed' },
    ]);
    expect(await clean(job, options)).toMatchObject([{ what: 'container', job, done: 'removed' }]);
    await expectEmpty(home, job);
    expect(await readFile(join(kept, 'weights'), 'utf8')).toBe('weights\n');
    await expectRunsAgain(options, job);
  });

  it('is killed together with optml: clean closes the job', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const options = { home, env: { DOCKER_HOST: engine.url } };
    const running = start(['run', request], options);
    await running.shows('algo-1 | written');
    running.signal('SIGKILL');
    await running.ended;
    await engine.kill();
    expectRefusal(await optml(['clean'], options), 3, engine.url);
    await engine.start();

    expect(await clean(job, options)).toMatchObject([{ what: 'job', name: job, done: 'closed' }]);
    await expectEmpty(home, job);
    expect((await describeJob(job, options)).TrainingJobStatus).toBe('Failed');
    expect(await textIn(objectFile(home, `s3://outputs/here/${job}/output/model.tar.gz`), 'weights')).toBe(
      'weights\n',
    );
  });

  it('is killed while inputs come: the job is Failed', async () => {
    const store = await gatedStore();
    store.objects.set('data/train/a', Buffer.from('a'));
    const asked = store.requests.hold(/^GET \/data\/train\/a/);
    const { home, job, request } = await prepared('true', {
      InputDataConfig: [channel('train', 's3://data/train/')],
    });
    const options = { home, env: { DOCKER_HOST: engine.url, ...store.env } };
    const running = start(['run', request, '--json', '--store', store.url], options);
    await asked.reached;
    await engine.kill();
    asked.release();
    const result = await running.ended;
    expectStatus(result, 1);
    expect(describedIn(result.stdout).TrainingJobStatus).toBe('Failed');
    expect(result.stderr).toContain(`The Docker engine at ${engine.url}`);
    await engine.start();
    await expectEmpty(home, job);
  });

  it('is killed while the job is stopped: the job is Stopped, and the outputs are kept', async () => {
    const { home, job, request } = await prepared(TRAINS_ON);
    const options = { home, env: { DOCKER_HOST: engine.url } };
    const running = start(['run', request, '--json'], options);
    await running.shows('algo-1 | written');
    running.signal('SIGTERM');
    await running.shows('algo-1 | stopping');
    await engine.kill();
    const result = await running.ended;
    expectStatus(result, 4);
    expect(describedIn(result.stdout).TrainingJobStatus).toBe('Stopped');
    const [kept = ''] = await keptPaths(result);
    expect(await readFile(join(kept, 'weights'), 'utf8')).toBe('weights\n');
    await engine.start();
    await clean(job, options);
    await expectEmpty(home, job);
  });

  it('does not share the files of this machine: inputs and outputs go through volumes', async () => {
    const line = [
      'cat /opt/ml/input/data/train/a /opt/ml/input/config/hyperparameters.json > /opt/ml/model/all',
      'echo data > /opt/ml/output/data/file',
      'chmod 600 /opt/ml/model/all',
      'cp /opt/ml/input/config/resourceconfig.json /opt/ml/model/',
    ].join('; ');
    const { home, job, request } = await prepared(
      line,
      {
        InputDataConfig: [channel('train', 's3://data/train/')],
        HyperParameters: { epochs: '3' },
      },
      far,
    );
    await putObject(home, 's3://data/train/a', 'first\n');
    const options = { home, env: { DOCKER_HOST: engine.url } };
    const result = await optml(['run', request, '--json'], options);
    expectStatus(result, 0);
    const folder = objectFile(home, `s3://outputs/here/${job}/output`);
    expect(await textIn(join(folder, 'model.tar.gz'), 'all')).toBe('first\n{"epochs":"3"}');
    expect(await textIn(join(folder, 'output.tar.gz'), 'file')).toBe('data\n');
    await expectEmpty(home, job);
  });

  it('elsewhere, an ordinary user of the image can write in its volumes', async () => {
    const line = 'id -u > /opt/ml/model/user && echo data > /opt/ml/output/data/file';
    const body = shellJob(line);
    const { home, job, request } = await prepared(
      line,
      {
        AlgorithmSpecification: {
          ...(body['AlgorithmSpecification'] as Request),
          TrainingImage: 'optml-user-1000',
        },
      },
      far,
    );
    expectStatus(await optml(['run', request], { home, env: { DOCKER_HOST: engine.url } }), 0);
    expect(await textIn(objectFile(home, `s3://outputs/here/${job}/output/model.tar.gz`), 'user')).toBe(
      '1000\n',
    );
    await expectEmpty(home, job);
  });

  it('elsewhere, the failure file and the exit status come through', async () => {
    const { home, job, request } = await prepared('echo boom > /opt/ml/output/failure; exit 3', {}, far);
    const result = await optml(['run', request, '--json'], { home, env: { DOCKER_HOST: engine.url } });
    expectStatus(result, 1);
    expect(describedIn(result.stdout).FailureReason).toMatch(/boom[\s\S]*exit code: 3/);
    await expectEmpty(home, job);
  });

  it('elsewhere, what a killed run left is collected by clean', async () => {
    const { home, job, request } = await prepared(TRAINS, {}, far);
    const options = { home, env: { DOCKER_HOST: engine.url } };
    const running = start(['run', request], options);
    await running.shows('algo-1 | written');
    running.signal('SIGKILL');
    await running.ended;
    await clean(job, options);
    await expectEmpty(home, job);
    expect(await textIn(objectFile(home, `s3://outputs/here/${job}/output/model.tar.gz`), 'weights')).toBe(
      'weights\n',
    );
  });

  it('elsewhere, is killed while the job runs: the outputs stay in their volumes until clean takes them out', async () => {
    const { home, job, request } = await prepared(TRAINS, {}, far);
    const options = { home, env: { DOCKER_HOST: engine.url } };
    const running = start(['run', request, '--json'], options);
    await running.shows('algo-1 | written');
    await engine.kill();
    const result = await running.ended;
    expectStatus(result, 1);
    expect(describedIn(result.stdout).TrainingJobStatus).toBe('Failed');
    expect(result.stderr).toMatch(
      /\/opt\/ml\/model could neither be uploaded nor kept .*; it is left in the volumes of container [0-9a-f]{12}/,
    );

    await engine.start();
    // A new run would take their place.
    expectRefusal(await optml(['run', request], options), 2, job, 'optml clean');
    const cleaned = await optml(['clean'], options);

    expectStatus(cleaned, 0);
    const [kept = ''] = await keptPaths(cleaned);
    expect(await textIn(kept, 'model/weights')).toBe('weights\n');
    await expectEmpty(home, job);
    expect((await describeJob(job, options)).TrainingJobStatus).toBe('Failed');
  });

  it('elsewhere, the container is removed while the job runs: what lies in its volumes is collected', async () => {
    const { home, job, request } = await prepared(TRAINS, {}, far);
    const options = { home, env: { DOCKER_HOST: engine.url } };
    const running = start(['run', request, '--json'], options);
    await running.shows('algo-1 | written');
    await engine.docker('rm', '-f', await engine.docker('ps', '-aq', '--filter', `label=optml.job=${job}`));
    const result = await running.ended;
    expectStatus(result, 1);
    expect(describedIn(result.stdout).TrainingJobStatus).toBe('Failed');
    expect(await textIn(objectFile(home, `s3://outputs/here/${job}/output/model.tar.gz`), 'weights')).toBe(
      'weights\n',
    );
    await expectEmpty(home, job);
  });

  it('elsewhere, container and a volume are removed while the job runs: the others stay until they are forced', async () => {
    const { home, job, request } = await prepared(TRAINS, {}, far);
    const options = { home, env: { DOCKER_HOST: engine.url } };
    const running = start(['run', request, '--json'], options);
    await running.shows('algo-1 | written');
    const [volume = ''] = (await engine.docker('volume', 'ls', '-q')).split('\n');
    // It sees both gone at once.
    running.signal('SIGSTOP');
    await engine.docker('rm', '-f', await engine.docker('ps', '-aq', '--filter', `label=optml.job=${job}`));
    await engine.docker('volume', 'rm', volume);
    running.signal('SIGCONT');
    const result = await running.ended;
    expectStatus(result, 1);
    expect(describedIn(result.stdout).TrainingJobStatus).toBe('Failed');
    expect(result.stderr).toMatch(/it is left in the volumes of container [0-9a-f]{12}/);
    expect(await engine.docker('volume', 'ls', '-q')).not.toBe('');
    await clean(job, options, '--force');
    await clean(job, options);
    await expectEmpty(home, job);
    await expectRunsAgain(options, job);
  });

  it('a job of another pid namespace, and things of another machine, stay until they are forced', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const options = { home, env: { DOCKER_HOST: engine.url } };
    const elsewhere = ['unshare', '--pid', '--fork', '--kill-child', process.execPath, CLI] as const;
    const running = start(['run', request], { ...options, command: elsewhere });
    await running.shows('algo-1 | written');
    const stranger = { machine: 'another machine', boot: '', pidNamespace: '', pid: 1, started: '1', home };
    const labels = { 'optml.job': job, 'optml.run': 'another', 'optml.owner': JSON.stringify(stranger) };
    await engine.docker(
      'volume',
      'create',
      ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
    );

    expectRefusal(await optml(['run', request], options), 2, job, 'optml clean --force');
    const done = 'stays, as its owner is not known here (--force removes it)';
    const all = [
      { what: 'job', done },
      { what: 'container', done },
      { what: 'volume', done },
    ];
    expect(await clean(job, options)).toMatchObject(all);
    expect(await engine.docker('ps', '-q', '--filter', `label=optml.job=${job}`)).not.toBe('');
    running.signal('SIGKILL');
    await running.ended;

    expect(await clean(job, options, '--force', '--dry-run')).toMatchObject([
      { what: 'job', done: 'would be closed' },
      { what: 'container', done: 'would be removed' },
      { what: 'volume', done: 'would be removed' },
    ]);
    expect(await clean(job, options)).toMatchObject(all);
    expect(await clean(job, options, '--force')).toMatchObject([
      { what: 'job', done: 'closed' },
      { what: 'volume', done: 'removed' },
    ]);
    await expectEmpty(home, job);
    expect((await describeJob(job, options)).TrainingJobStatus).toBe('Failed');
    const model = objectFile(home, `s3://outputs/here/${job}/output/model.tar.gz`);
    expect(await textIn(model, 'weights')).toBe('weights\n');
  });

  it('a job that lives stays, whatever the force and whosever the home', async () => {
    const { home, job, request } = await prepared(TRAINS);
    const env = { DOCKER_HOST: engine.url };
    const running = start(['run', request], { home, env });
    await running.shows('algo-1 | written');
    for (const other of [home, await scratch('other')])
      expect(await clean(job, { home: other, env }, '--force')).toEqual([]);
    expectStatus(await optml(['stop', job], { home, env }), 0);
    expectStatus(await running.ended, 4);
    await expectEmpty(home, job);
  });

  async function expectEmpty(home: string, job: string): Promise<void> {
    await expectNothingLeft(home, job);
    const filter = ['--filter', `label=optml.job=${job}`];
    expect(await engine.docker('ps', '-aq', ...filter)).toBe('');
    expect(await engine.docker('network', 'ls', '-q', ...filter)).toBe('');
    expect(await engine.docker('volume', 'ls', '-q')).toBe('');
  }

  async function expectRunsAgain(
    options: { home: string; env: Record<string, string> },
    job: string,
  ): Promise<void> {
    const body = shellJob('echo weights > /opt/ml/model/weights', { TrainingJobName: job });
    expectStatus(await optml(['run', await writeRequest(options.home, body)], options), 0);
    await expectEmpty(options.home, job);
  }
});

const NOBODY = 65_534;

async function prepared(
  line: string,
  members: Request = {},
  parent?: string,
): Promise<{ home: string; job: string; request: string }> {
  const home = parent === undefined ? await scratch('engine') : await mkdtemp(join(parent, 'home-'));
  const body = shellJob(line, members);
  return { home, job: String(body['TrainingJobName']), request: await writeRequest(home, body) };
}

function describedIn(stdout: string): Described {
  return JSON.parse(stdout) as Described;
}

/** Of a socket that is not there yet, in a folder that goes with the test. */
async function socketPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'optml-socket-'));
  afterThis(() => rm(folder, { recursive: true }));
  return join(folder, 'engine.sock');
}

async function listening(server: Server): Promise<string> {
  const path = await socketPath();
  server.listen(path);
  await once(server, 'listening');
  afterThis(async () => {
    server.close();
    await Promise.resolve();
  });
  return path;
}

/** A bound socket that outlived its listener. */
async function deadSocket(): Promise<string> {
  const path = await socketPath();
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(await readdir(join(path, '..'))).toEqual(['engine.sock']);
  return path;
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
