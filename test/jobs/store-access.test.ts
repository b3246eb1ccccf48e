/** Code in a container that knows nothing of optml reaches the job's store: no endpoint, no keys in it. */
import { readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { leftBehind } from '../harness/engine.js';
import { afterThis, optml, scratch } from '../harness/optml.js';
import { channel, jobName, putObject, shellJob, writeRequest, type Request } from '../harness/requests.js';
import { pythonClients } from '../store/clients.js';
import { startVersitygw } from '../store/versitygw.js';

/** What a training script does with boto3, in the words of its documentation. */
const SCRIPT = `
import boto3, os
s3 = boto3.client("s3")
body = s3.get_object(Bucket="inside", Key="in/numbers.txt")["Body"].read()
s3.put_object(Bucket="inside", Key="out/copy with space+plus.txt", Body=body[::-1])
open("/tmp/large", "wb").write(os.urandom(1000) * 20000)
s3.upload_file("/tmp/large", "inside", "out/large.bin")
s3.download_file("inside", "out/large.bin", "/tmp/back")
assert open("/tmp/back", "rb").read() == open("/tmp/large", "rb").read()
keys = [one["Key"] for one in s3.list_objects_v2(Bucket="inside", Prefix="out/")["Contents"]]
print("KEYS", keys)
`;

async function packages(): Promise<string> {
  const { python } = pythonClients();
  const lib = join(python, '../../lib');
  const [version = ''] = await readdir(lib);
  return join(lib, version, 'site-packages');
}

async function boto3Job(home: string): Promise<{ request: Request; maps: string[] }> {
  const code = join(home, 'code');
  await symlink(await packages(), join(home, 'packages'));
  await writeFile(code, SCRIPT);
  const request = shellJob('', {
    AlgorithmSpecification: {
      TrainingImage: 'optml-demo:latest',
      TrainingInputMode: 'File',
      ContainerEntrypoint: ['python3', '/opt/ml/input/data/code/code.py'],
    },
    Environment: { PYTHONPATH: '/opt/ml/input/data/packages' },
    InputDataConfig: [channel('code', 's3://local/code.py'), channel('packages', 's3://local/packages/')],
    OutputDataConfig: { S3OutputPath: 's3://inside/output' },
  });
  return {
    request,
    maps: ['--map', `s3://local/code.py=${code}`, '--map', `s3://local/packages=${await packages()}`],
  };
}

test('boto3 reads and writes the embedded store', async () => {
  const home = await scratch('access');
  await putObject(home, 's3://inside/in/numbers.txt', '123');
  const { request, maps } = await boto3Job(home);
  const file = await writeRequest(home, request);
  const { status, stderr } = await optml(['run', file, ...maps], { home });
  expect(stderr).toContain("KEYS ['out/copy with space+plus.txt', 'out/large.bin']");
  expect(status).toBe(0);
  expect(await readFile(join(home, 's3/inside/out/copy with space+plus.txt'), 'utf8')).toBe('321');
  expect(await leftBehind(String(request['TrainingJobName']))).toBe('');
});

test('boto3 reads and writes another S3 server through ours, and never sees its keys', async () => {
  const server = await startVersitygw();
  afterThis(() => server.stop());
  const home = await scratch('access');
  await server.makeBucket('inside');
  await writeFile(join(server.folder, 'inside/in-numbers'), '');
  const env = { AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey };
  const { request, maps } = await boto3Job(home);
  const seed = shellJob('mkdir -p /opt/ml/model/in; printf 123 > /opt/ml/model/in/numbers.txt', {
    TrainingJobName: jobName('seed'),
    OutputDataConfig: { S3OutputPath: 's3://inside/seed', CompressionType: 'NONE' },
  });
  const script = SCRIPT.replace(
    '"in/numbers.txt"',
    `"seed/${String(seed['TrainingJobName'])}/output/model/in/numbers.txt"`,
  );
  await writeFile(join(home, 'code'), `${script}\nprint("ENV", sorted(os.environ.items()))\n`);
  const files = [await writeRequest(home, seed), await writeRequest(home, request)];
  const { status, stderr } = await optml(['run', ...files, '--store', server.url, ...maps], { home, env });
  expect(stderr).toContain("KEYS ['out/copy with space+plus.txt', 'out/large.bin']");
  expect(status).toBe(0);
  expect(stderr).not.toContain(server.secretAccessKey);
  expect(await readFile(join(server.folder, 'inside/out/copy with space+plus.txt'), 'utf8')).toBe('321');
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
  const request = shellJob('env', {});
  const name = String(request['TrainingJobName']);
  const file = await writeRequest(home, request);
  const { stderr } = await optml(['run', file], { home });
  const [, secret = ''] = /AWS_SECRET_ACCESS_KEY=(\S+)/.exec(stderr) ?? [];
  const [, url = ''] = /S3_ENDPOINT_URL=(\S+)/.exec(stderr) ?? [];
  expect(secret.length).toBeGreaterThan(20);
  await expect(fetch(url)).rejects.toThrow();
  const folder = join(home, 'jobs/training', name.toLowerCase());
  for (const kept of ['journal.ndjson', 'plan.json'])
    expect(await readFile(join(folder, kept), 'utf8')).not.toContain(secret);
  const plan = await optml(['plan', file], { home });
  expect(plan.stdout).toContain('"AWS_SECRET_ACCESS_KEY": "{{secret}}"');
});
