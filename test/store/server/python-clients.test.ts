/** boto3 and the AWS CLI against the server. */

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonClients, type PythonClients } from '../clients.js';
import { ACCESS_KEY, REGION, SECRET_KEY, startServer, type Running } from './harness.js';

const run = promisify(execFile);
let server: Running;
let clients: PythonClients;

beforeAll(async () => {
  clients = pythonClients();
  server = await startServer();
}, 600_000);
afterAll(() => server.stop());

function environment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: server.parent,
    AWS_ENDPOINT_URL: server.url,
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
  };
}

async function aws(...args: string[]): Promise<string> {
  const { stdout } = await run(clients.aws, args, { env: environment(), cwd: server.parent });
  return stdout;
}

describe('boto3', () => {
  it('passes its checks', async () => {
    const script = join(import.meta.dirname, 'boto3-checks.py');
    const { stdout } = await run(clients.python, [script], { env: environment() });
    expect(stdout.trim().split('\n')).toEqual([
      'buckets',
      'odd keys',
      'metadata',
      'large file',
      'ranges',
      'errors',
      'listing',
      'copy',
      'conditional',
      'delete',
      'presigned',
      'tagging',
    ]);
  });
});

describe('the AWS CLI', () => {
  it('makes buckets, copies, syncs, moves, lists and removes', async () => {
    const folder = join(server.parent, 'work');
    mkdirSync(join(folder, 'sub'), { recursive: true });
    writeFileSync(join(folder, 'small.txt'), 'small');
    writeFileSync(join(folder, 'empty'), '');
    writeFileSync(join(folder, 'sub', 'ü +.bin'), Buffer.alloc(12 * 1024 * 1024, 'x'));
    await aws('s3', 'mb', 's3://cli');
    await aws('s3', 'sync', folder, 's3://cli/data');
    expect(readFileSync(join(server.root, 'cli/data/sub/ü +.bin')).length).toBe(12 * 1024 * 1024);
    expect(await aws('s3', 'sync', folder, 's3://cli/data')).toBe('');
    expect(await aws('s3', 'ls', '--recursive', 's3://cli')).toMatch(/12582912 data\/sub\/ü \+\.bin/);
    await aws('s3', 'mb', 's3://cli2');
    await aws('s3', 'mv', 's3://cli/data/sub/ü +.bin', 's3://cli2/moved');
    await aws('s3', 'cp', 's3://cli2/moved', join(folder, 'back'));
    expect(readFileSync(join(folder, 'back')).equals(readFileSync(join(folder, 'sub', 'ü +.bin')))).toBe(
      true,
    );
    await aws('s3', 'sync', '--delete', folder, 's3://cli/data', '--exclude', 'sub/*', '--exclude', 'back');
    await aws('s3', 'rm', '--recursive', 's3://cli');
    await aws('s3', 'rb', '--force', 's3://cli2');
    const left = (await aws('s3', 'ls')).trim().split('\n');
    expect(left.map(line => line.split(' ').at(-1)).filter(name => name?.startsWith('cli'))).toEqual(['cli']);
  });

  it('presigns URLs that work, and takes objects from its standard input', async () => {
    await aws('s3', 'mb', 's3://presign');
    const put = run('sh', ['-c', `printf piped | "${clients.aws}" s3 cp - s3://presign/x`], {
      env: environment(),
    });
    await put;
    const url = (await aws('s3', 'presign', 's3://presign/x')).trim();
    expect(await (await fetch(url)).text()).toBe('piped');
    expect(await aws('s3', 'cp', 's3://presign/x', '-')).toBe('piped');
    expect(JSON.parse(await aws('s3api', 'head-object', '--bucket', 'presign', '--key', 'x'))).toMatchObject({
      ContentLength: 5,
    });
  });
});
