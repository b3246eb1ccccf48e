/** A real S3 server, and all that can be wrong with it: keys, buckets, an end before, in and after a job. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  containerOf,
  expectNothingLeft,
  expectRefusal,
  expectStatus,
  keptPaths,
  keptFile,
  keptText,
  sizesIn,
  textIn,
  type Described,
} from '../harness/aftermath.js';
import { docker } from '../harness/engine.js';
import { gatedStore } from '../harness/gated-store.js';
import { optml, scratch, start } from '../harness/optml.js';
import { channel, shellJob, writeRequest, type Request } from '../harness/requests.js';
import { startVersitygw, type Versitygw } from '../store/versitygw.js';

const server = await startVersitygw();
const CHANNEL = [channel('train', 's3://data/train/')];

/** No credentials of this machine's user, and no asking for those of a cloud's machine. */
const NOBODY = {
  AWS_EC2_METADATA_DISABLED: 'true',
  HOME: '/nonexistent',
  AWS_CONFIG_FILE: '/nonexistent',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
};

describe('a job on versitygw', () => {
  afterAll(() => server.stop());

  it('reads its channel and writes model and output', async () => {
    await fill(server, {
      'data/train/a.csv': '1,2\n',
      'data/train/deep/b.csv': '3,4\n',
      'outputs/.keep': '',
    });
    const line =
      'cd /opt/ml; cat input/data/train/a.csv input/data/train/deep/b.csv > model/all; echo data > output/data/file';
    const { home, job, request } = await prepared(line, { InputDataConfig: CHANNEL });
    const result = await optml(['run', request, '--json', '--store', server.url], {
      home,
      env: keys(server),
    });
    expectStatus(result, 0);
    expect(describedIn(result.stdout)).toMatchObject({
      TrainingJobStatus: 'Completed',
      ModelArtifacts: { S3ModelArtifacts: `s3://outputs/here/${job}/output/model.tar.gz` },
    });
    const folder = join(server.folder, 'outputs/here', job, 'output');
    expect(await textIn(join(folder, 'model.tar.gz'), 'all')).toBe('1,2\n3,4\n');
    expect(await textIn(join(folder, 'output.tar.gz'), 'file')).toBe('data\n');
    await expectNothingLeft(home, job);
    expect(await readdir(home)).not.toContain('s3');
  });

  it('writes a model of several parts', async () => {
    await fill(server, { 'outputs/.keep': '' });
    const { home, job, request } = await prepared('head -c 40000000 /dev/urandom > /opt/ml/model/weights');
    expectStatus(await optml(['run', request, '--store', server.url], { home, env: keys(server) }), 0);
    const model = join(server.folder, 'outputs/here', job, 'output/model.tar.gz');
    expect(await sizesIn(model)).toEqual({ weights: 40_000_000 });
    await expectNothingLeft(home, job);
  });

  it('writes objects instead of tarballs when CompressionType is NONE', async () => {
    await fill(server, { 'outputs/.keep': '' });
    const line =
      'mkdir -p "/opt/ml/model/a b"; echo one > "/opt/ml/model/a b/ü+%.txt"; echo two > /opt/ml/model/two';
    const { home, job, request } = await prepared(line, {
      OutputDataConfig: { S3OutputPath: 's3://outputs/here', CompressionType: 'NONE' },
    });
    const result = await optml(['run', request, '--json', '--store', server.url], {
      home,
      env: keys(server),
    });
    expectStatus(result, 0);
    const prefix = `here/${job}/output/model`;
    expect(describedIn(result.stdout).ModelArtifacts?.S3ModelArtifacts).toMatch(
      new RegExp(`^s3://outputs/${prefix}/?$`),
    );
    const folder = join(server.folder, 'outputs', prefix);
    expect(await readFile(join(folder, 'a b/ü+%.txt'), 'utf8')).toBe('one\n');
    expect(await readFile(join(folder, 'two'), 'utf8')).toBe('two\n');
    await expectNothingLeft(home, job);
  });

  it.each([
    ['an unknown access key', { AWS_ACCESS_KEY_ID: 'NOBODY' }, 'AWS_ACCESS_KEY_ID'],
    ['a wrong secret', { AWS_SECRET_ACCESS_KEY: 'wrong' }, 'AWS_SECRET_ACCESS_KEY'],
  ])('is refused with %s', async (_what, wrong, word) => {
    await fill(server, { 'data/train/a.csv': '1,2\n', 'outputs/.keep': '' });
    for (const members of [{ InputDataConfig: CHANNEL }, {}]) {
      const { home, job, request } = await prepared('true', members);
      const refused = await optml(['run', request, '--json', '--store', server.url], {
        home,
        env: { ...keys(server), ...wrong },
      });
      expectRefusal(refused, 3, server.url, word);
      await expectNothingLeft(home, job);
      await expectNoJob(home);
    }
  });

  it('is refused without credentials', async () => {
    const { home, job, request } = await prepared('true', { InputDataConfig: CHANNEL });
    const refused = await optml(['run', request, '--json', '--store', server.url], { home, env: NOBODY });
    expectRefusal(refused, 3, 'AWS_ACCESS_KEY_ID');
    await expectNothingLeft(home, job);
    await expectNoJob(home);
  });

  it('is refused for an input bucket, an output bucket or a prefix that is not there', async () => {
    await fill(server, { 'data/train/a.csv': '1,2\n', 'outputs/.keep': '' });
    const cases: [Request, string][] = [
      [{ InputDataConfig: [channel('train', 's3://missing-input/train/')] }, 'missing-input'],
      [{ OutputDataConfig: { S3OutputPath: 's3://missing-output/here' } }, 'missing-output'],
      [{ InputDataConfig: [channel('train', 's3://data/nothing-here/')] }, 's3://data/nothing-here/'],
    ];
    for (const [members, word] of cases) {
      const { home, job, request } = await prepared('true', members);
      const refused = await optml(['run', request, '--json', '--store', server.url], {
        home,
        env: keys(server),
      });
      expectRefusal(refused, 2, word);
      await expectNothingLeft(home, job);
      await expectNoJob(home);
    }
  });

  it('keeps and names the outputs when the server ends while the job runs', async () => {
    const mortal = await startVersitygw();
    await fill(mortal, { 'outputs/.keep': '' });
    const line =
      'trap "go=1" USR1; echo weights > /opt/ml/model/weights; echo data > /opt/ml/output/data/file; echo written; until [ "$go" ]; do sleep 0.05; done';
    const { home, job, request } = await prepared(line);
    const running = start(['run', request, '--json', '--store', mortal.url], { home, env: keys(mortal) });
    await running.shows('algo-1 | written');
    await mortal.stop();
    await docker('kill', '-s', 'USR1', await containerOf(job));
    const result = await running.ended;
    expectStatus(result, 1);
    const described = describedIn(result.stdout);
    expect(described.TrainingJobStatus).toBe('Failed');
    expect(described.FailureReason).toContain(mortal.url);
    expect(described.ModelArtifacts).toBeUndefined();
    const [model = '', data = ''] = await keptPaths(result);
    expect(await keptText(model, 'weights')).toBe('weights\n');
    expect(await keptText(data, 'file')).toBe('data\n');
    await expectNothingLeft(home, job);
  });
});

describe('a store at a URL', () => {
  it('is not there: nothing is begun', async () => {
    const url = `http://127.0.0.1:${await unusedPort()}`;
    for (const members of [{ InputDataConfig: CHANNEL }, {}]) {
      const { home, job, request } = await prepared('true', members);
      const refused = await optml(['run', request, '--json', '--store', url], { home, env: ANY_KEYS });
      expectRefusal(refused, 3, url, 'ECONNREFUSED', '--store');
      await expectNothingLeft(home, job);
      await expectNoJob(home);
    }
  });

  it('has a name that nobody knows: nothing is begun', async () => {
    const url = 'http://no-such-host.invalid:9000';
    const { home, job, request } = await prepared('true');
    const refused = await optml(['run', request, '--json', '--store', url], { home, env: ANY_KEYS });
    expectRefusal(refused, 3, url, '--store');
    await expectNothingLeft(home, job);
  });

  it('is no S3 server: nothing is begun', async () => {
    const web = createServer(socket => {
      socket.on('error', () => undefined);
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello'),
      );
    }).listen(0, '127.0.0.1');
    await once(web, 'listening');
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    const { home, job, request } = await prepared('true', { InputDataConfig: CHANNEL });
    const refused = await optml(['run', request, '--json', '--store', url], { home, env: ANY_KEYS });
    web.close();
    expectRefusal(refused, 3, url);
    await expectNothingLeft(home, job);
  });

  it('ends while inputs come: the job is Failed, and no container was made', async () => {
    const store = await gatedStore();
    for (const name of ['a', 'b']) store.objects.set(`data/train/${name}`, Buffer.from(name));
    const asked = store.requests.hold(/^GET \/data\/train\/b/);
    const { home, job, request } = await prepared('echo weights > /opt/ml/model/weights', {
      InputDataConfig: CHANNEL,
    });
    const running = start(['run', request, '--json', '--store', store.url], { home, env: store.env });
    await asked.reached;
    await store.stop();
    const result = await running.ended;
    expectStatus(result, 1);
    const described = describedIn(result.stdout);
    expect(described.TrainingJobStatus).toBe('Failed');
    expect(described.FailureReason).toContain(store.url);
    expect(described.ModelArtifacts).toBeUndefined();
    await expectNothingLeft(home, job);
  });

  it('ends within an upload: the job is Failed, and the model is kept and named', async () => {
    const store = await gatedStore();
    const sent = store.requests.hold(/^PUT .*\/model\.tar\.gz\?.*partNumber=2/);
    const { home, job, request } = await prepared('head -c 30000000 /dev/urandom > /opt/ml/model/weights');
    const running = start(['run', request, '--json', '--store', store.url], { home, env: store.env });
    await sent.reached;
    await store.stop();
    const result = await running.ended;
    expectStatus(result, 1);
    expect(describedIn(result.stdout).TrainingJobStatus).toBe('Failed');
    const [model = ''] = await keptPaths(result);
    expect((await keptFile(model, 'weights')).length).toBe(30_000_000);
    await expectNothingLeft(home, job);
  });

  it('an upload that a second signal cuts off is kept and named', async () => {
    const store = await gatedStore();
    const sent = store.requests.hold(/^PUT .*\/model\.tar\.gz/);
    const { home, job, request } = await prepared(
      "trap 'exit 0' TERM; echo weights > /opt/ml/model/weights; echo written; while :; do sleep 0.1; done",
    );
    const running = start(['run', request, '--json', '--store', store.url], { home, env: store.env });
    await running.shows('algo-1 | written');
    running.signal('SIGTERM');
    await running.shows('Press again');
    await sent.reached;
    // Signals that come too close to the first are one press with it.
    const pressing = setInterval(() => running.signal('SIGTERM'), 50);
    const result = await running.ended.finally(() => clearInterval(pressing));
    expectStatus(result, 130);
    const [model = ''] = await keptPaths(result);
    expect(await keptText(model, 'weights')).toBe('weights\n');
    await expectNothingLeft(home, job);
  });
});

const ANY_KEYS = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' };

async function prepared(
  line: string,
  members: Request = {},
): Promise<{ home: string; job: string; request: string }> {
  const home = await scratch('store');
  const body = shellJob(line, members);
  return { home, job: String(body['TrainingJobName']), request: await writeRequest(home, body) };
}

function keys({ accessKeyId, secretAccessKey }: Versitygw): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

/** `bucket/key` → text; buckets are made. */
async function fill({ folder }: Versitygw, objects: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(objects)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

async function expectNoJob(home: string): Promise<void> {
  const jobs = await optml(['ps', '--json'], { home });
  expectStatus(jobs, 0);
  expect(JSON.parse(jobs.stdout)).toEqual([]);
}

/** The one document that stdout holds. */
function describedIn(stdout: string): Described {
  return JSON.parse(stdout) as Described;
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
