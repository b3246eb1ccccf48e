/** `optml up` and `optml env`, as a user takes them together: in two terminals. */
import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { afterThis, CLI, optml, scratch, start, type Running } from '../harness/optml.js';
import { pythonClients } from '../store/clients.js';
import { startVersitygw } from '../store/versitygw.js';

const run = promisify(execFile);

interface Up {
  readonly endpoint: string;
  readonly running: Running;
}

async function up(home: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<Up> {
  const running = start(['up', '--port', '0', '--json', ...args], { home, env });
  let text = '';
  await new Promise<void>(resolve => {
    running.child.stdout?.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve();
    });
  });
  return { endpoint: (JSON.parse(text) as { endpoint: string }).endpoint, running };
}

/** A shell that has eval'ed the lines of `optml env`. */
async function shell(home: string, line: string): Promise<string> {
  const { stdout } = await run('sh', ['-euc', `eval "$('${process.execPath}' '${CLI}' env)"\n${line}`], {
    env: { PATH: process.env['PATH'] ?? '', HOME: home, OPTML_HOME: home },
    cwd: home,
  });
  return stdout;
}

test('the AWS CLI needs nothing but what optml env prints', async () => {
  const home = await scratch('up');
  const { aws } = pythonClients();
  const { running } = await up(home);
  await writeFile(join(home, 'a file'), 'content');
  const listed = await shell(
    home,
    `'${aws}' s3 mb s3://MyBucket >&2; '${aws}' s3 cp 'a file' 's3://MyBucket/x/a file' >&2; '${aws}' s3 ls s3://MyBucket/x/`,
  );
  expect(listed).toContain('a file');
  expect(await readFile(join(home, 's3/MyBucket/x/a file'), 'utf8')).toBe('content');
  running.signal('SIGINT');
  expect(await running.ended).toMatchObject({ status: 0, stderr: '' });
});

test('with another S3 server as the store, requests are passed on, and its keys stay here', async () => {
  const server = await startVersitygw();
  afterThis(() => server.stop());
  await server.makeBucket('far');
  const home = await scratch('up');
  const { aws } = pythonClients();
  await up(home, ['--store', server.url], {
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  });
  await run('sh', ['-c', 'head -c 20000000 /dev/urandom > large'], { cwd: home });
  await shell(
    home,
    `'${aws}' s3 cp large s3://far/large >&2; '${aws}' s3 cp s3://far/large back >&2; cmp large back`,
  );
  expect((await stat(join(server.folder, 'far/large'))).size).toBe(20_000_000);
  const presigned = await fetch((await shell(home, `'${aws}' s3 presign s3://far/large`)).trim());
  expect(presigned.status).toBe(200);
  expect(Buffer.from(await presigned.arrayBuffer()).equals(await readFile(join(home, 'large')))).toBe(true);
  expect(await shell(home, 'env')).not.toContain(server.secretAccessKey);
});

test('only who has the keys of the home may call', async () => {
  const home = await scratch('up');
  const { endpoint } = await up(home);
  const anonymous = await fetch(`${endpoint}/some-bucket/key`);
  expect(anonymous.status).toBe(403);
  expect(await anonymous.text()).toContain('<Code>AccessDenied</Code>');
  expect((await stat(join(home, 'keys.json'))).mode & 0o077).toBe(0);
});

test('health answers without keys, and other services are refused by name', async () => {
  const home = await scratch('up');
  const { endpoint } = await up(home);
  expect((await fetch(`${endpoint}/_optml/health`)).status).toBe(200);
  const other = await fetch(endpoint, {
    method: 'POST',
    headers: { 'x-amz-target': 'SageMaker.CreateTrainingJob' },
    body: '{}',
  });
  expect(other.status).toBe(501);
  expect(await other.text()).toContain('SageMaker.CreateTrainingJob is not built yet');
});

test('env names the configured port while nothing runs, and the same keys each time', async () => {
  const home = await scratch('up');
  const first = await optml(['env'], { home });
  const second = await optml(['env', '--port', '4577'], { home });
  expect(first.stdout).toContain("export AWS_ENDPOINT_URL='http://127.0.0.1:4566'");
  expect(second.stdout).toContain("export AWS_ENDPOINT_URL='http://127.0.0.1:4577'");
  const keys = (text: string): string[] => text.split('\n').filter(line => line.includes('KEY'));
  expect(keys(first.stdout)).toEqual(keys(second.stdout));
  expect(keys(first.stdout)).toHaveLength(2);
});

test('an endpoint that was killed is not taken for a running one', async () => {
  const home = await scratch('up');
  const { running } = await up(home);
  running.signal('SIGKILL');
  await running.ended;
  expect((await optml(['env'], { home })).stdout).toContain("AWS_ENDPOINT_URL='http://127.0.0.1:4566'");
});

test('a port that is taken, and real AWS, are refused in one sentence', async () => {
  const home = await scratch('up');
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => taken.once('listening', resolve));
  afterThis(() => new Promise(resolve => taken.close(() => resolve())));
  const { port } = taken.address() as { port: number };
  expect(await optml(['up', '--port', String(port)], { home })).toMatchObject({
    status: 2,
    stderr: `optml: Port ${port} is taken by another program: choose one with --port, or 0 for a free one.\n`,
  });
  expect(await optml(['up', '--port', '0', '--store', 'aws'], { home })).toMatchObject({ status: 2 });
});
