/** Code in a container that knows nothing of optml reaches the job's store: no endpoint, no keys in it. (The other stores: test/stores.) */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { containerOf } from '../harness/aftermath.js';
import { boto3Job, KEYS_LINE } from '../harness/boto3-job.js';
import { docker, leftBehind } from '../harness/engine.js';
import { startJob } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';
import { putObject, shellJob, writeRequest } from '../harness/requests.js';
import { HEARS, tell, untilTold } from '../harness/tell.js';

test('boto3 reads and writes the embedded store', async () => {
  const home = await scratch('access');
  await putObject(home, 's3://inside/in/numbers.txt', '123');
  const { request, maps } = await boto3Job(home, {
    bucket: 'inside',
    prefix: 'in',
    output: 's3://inside/output',
  });
  const file = await writeRequest(home, request);
  const { status, stderr } = await optml(['run', file, ...maps], { home });
  expect(stderr).toContain(KEYS_LINE);
  expect(status).toBe(0);
  expect(await readFile(join(home, 's3/inside/in/out/copy with space+plus.txt'), 'utf8')).toBe('321');
  expect(await leftBehind(String(request['TrainingJobName']))).toBe('');
});

test('an isolated container has neither an address nor keys', async () => {
  const home = await scratch('access');
  const request = shellJob('env', { EnableNetworkIsolation: true });
  const { status, stderr } = await optml(['run', await writeRequest(home, request)], { home });
  expect(status).toBe(0);
  expect(stderr).not.toMatch(/S3_ENDPOINT_URL|AWS_ENDPOINT_URL|AWS_ACCESS_KEY_ID|AWS_SECRET/);
});

test('a request that brings its own endpoint or keys has only those', async () => {
  const home = await scratch('access');
  const request = shellJob('env | grep -E "AWS|S3_" | sort', { Environment: { AWS_ACCESS_KEY_ID: 'mine' } });
  const { stderr } = await optml(['run', await writeRequest(home, request)], { home });
  expect(stderr).toContain('AWS_ACCESS_KEY_ID=mine');
  expect(stderr).not.toMatch(/S3_ENDPOINT_URL|AWS_SECRET/);
});

test('the keys are dead when the job has ended, and stand neither in the plan nor in the journal', async () => {
  const home = await scratch('access');
  const job = await startJob(shellJob([HEARS, 'echo ready', untilTold()]), { home });
  await job.shows('algo-1 | ready');
  const variables = await docker('inspect', '--format', '{{json .Config.Env}}', await containerOf(job.name));
  const env = Object.fromEntries(
    (JSON.parse(variables) as string[]).map(one => [
      one.slice(0, one.indexOf('=')),
      one.slice(one.indexOf('=') + 1),
    ]),
  );
  const secret = env['AWS_SECRET_ACCESS_KEY'] ?? '';
  expect(secret.length).toBeGreaterThan(20);
  const client = new S3Client({
    endpoint: env['S3_ENDPOINT_URL'] ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: secret },
    maxAttempts: 1,
  });
  await client.send(new ListBucketsCommand({}));
  await tell(job.name);
  expect((await job.finish()).status).toBe(0);
  // Nobody listens there any more, or another job does, which does not know them.
  await expect(client.send(new ListBucketsCommand({}))).rejects.toThrow();
  client.destroy();
  const folder = join(home, 'jobs/training', job.name);
  for (const kept of ['journal.ndjson', 'plan.json'])
    expect(await readFile(join(folder, kept), 'utf8')).not.toContain(secret);
  const plan = await optml(['plan', `${job.name}.json`], { home });
  expect(plan.stdout).toContain('"AWS_SECRET_ACCESS_KEY": "{{secret}}"');
});
