/**
 * Clients that do not read AWS_ENDPOINT_URL_S3 find the embedded store under S3's own names. (The other stores: test/stores.) Of
 * root's jobs, one at a time has this process for its nameserver; others have a helper beside each host, as those of an ordinary
 * user do.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { docker } from '../harness/engine.js';
import { runJob, startJob, type EndedJob } from '../harness/job.js';
import { scratch } from '../harness/optml.js';
import { asOrdinaryUser } from '../harness/ordinary-user.js';
import { shellJob, type Request } from '../harness/requests.js';
import {
  AWS_CLI_LINES,
  awsCliJob,
  HELLO_LINE,
  helloJob,
  JAVASCRIPT_LINES,
  javaScriptJob,
  OLD_BOTO3_LINES,
  oldBoto3Job,
  type NamesJob,
} from '../harness/s3-names-job.js';
import { HEARS, tell, untilTold } from '../harness/tell.js';

const PLACE = { bucket: 'inside', prefix: 'in', output: 's3://inside/output' };

async function homeWith(bucket: string): Promise<string> {
  const home = await scratch('names');
  await mkdir(join(home, 's3', bucket), { recursive: true });
  return home;
}

describe.each(['root', 'an ordinary user'])('of %s', who => {
  async function runAs(home: string, { request, args }: NamesJob): Promise<EndedJob> {
    const user = who === 'root' ? { home } : await asOrdinaryUser(home);
    const ended = await runJob(request, { ...user, args });
    expect(ended.stderr).not.toContain('AWS_ENDPOINT_URL_S3');
    return ended;
  }

  test('the script of the documentation reaches a bucket with capitals', async () => {
    const home = await homeWith('MyBucket');
    const job = await helloJob(home, { bucket: 'MyBucket', output: 's3://MyBucket/output' });
    const { status, log } = await runAs(home, job);
    expect({ status, log }).toEqual({ status: 0, log: ['BOTO3 1.26.27', HELLO_LINE] });
    expect(await readFile(join(home, 's3/MyBucket/hello-remote.txt'), 'utf8')).toBe(`${HELLO_LINE}\n`);
  });

  test('boto3 1.26 is served under the names of every region, whatever the style', async () => {
    const home = await homeWith('inside');
    const { status, log } = await runAs(home, await oldBoto3Job(home, PLACE));
    expect({ status, log }).toEqual({ status: 0, log: OLD_BOTO3_LINES });
  });

  test('a bucket with dots is served', async () => {
    const home = await homeWith('with.dots.in');
    const job = await oldBoto3Job(home, { ...PLACE, bucket: 'with.dots.in' });
    const { log } = await runAs(home, job);
    // Its names below S3's have no certificates on AWS either, so boto3 asks for them by path.
    expect(log[0]).toBe('default s3.amazonaws.com');
  });

  test('the AWS CLI of Debian is served', async () => {
    const home = await homeWith('inside');
    const { status, log } = await runAs(home, await awsCliJob(home, PLACE));
    expect({ status, log: log.slice(1) }).toEqual({ status: 0, log: AWS_CLI_LINES });
    expect(log[0]).toContain('aws-cli/2.9.');
  });
});

test('the SDK for JavaScript is served by name as by address', async () => {
  const home = await homeWith('inside');
  const { request, args } = await javaScriptJob(home, PLACE);
  const { status, log } = await runJob(request, { home, args });
  expect({ status, log }).toEqual({ status: 0, log: JAVASCRIPT_LINES });
});

const NAMES = ['s3.amazonaws.com', 'b.s3.eu-west-1.amazonaws.com'];

function namesLine(...names: readonly string[]): string {
  return `for n in ${names.join(' ')}; do getent hosts $n > /dev/null && echo found $n; done; true`;
}

const TWO: Request = {
  ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 2, VolumeSizeInGB: 10 },
};

test.each(['root', 'an ordinary user'])(
  'hosts of a cluster of %s find S3, themselves and each other',
  async who => {
    const home = await scratch('names');
    const names = [...NAMES, 'algo-1', 'algo-2'];
    const user = who === 'root' ? { home } : await asOrdinaryUser(home);
    const { status, logOf } = await runJob(shellJob(['sleep 1', namesLine(...names), 'hostname'], TWO), user);
    const found = names.map(name => `found ${name}`);
    expect({ status, one: logOf('algo-1'), two: logOf('algo-2') }).toEqual({
      status: 0,
      one: [...found, 'algo-1'],
      two: [...found, 'algo-2'],
    });
  },
);

test.each([
  ['of an isolated container', { EnableNetworkIsolation: true }],
  ['where the request says where S3 is', { Environment: { AWS_ENDPOINT_URL: 'http://192.0.2.1' } }],
])('no name is answered %s, and no authority handed in', async (_, members) => {
  const lines = ['cat /etc/resolv.conf', 'env', 'ls /opt'];
  const { status, log } = await runJob(shellJob(lines, members));
  expect(status).toBe(0);
  expect(log.filter(line => /127\.0\.83\.51|AWS_CA_BUNDLE|NODE_EXTRA_CA_CERTS|^optml$/.test(line))).toEqual(
    [],
  );
});

test('what the request says of trust stays', async () => {
  const { log } = await runJob(shellJob('env', { Environment: { AWS_CA_BUNDLE: '/mine.pem' } }));
  expect(log).toContain('AWS_CA_BUNDLE=/mine.pem');
});

test('a helper that is gone takes the network, not the job: what it wrote is uploaded', async () => {
  const home = await scratch('names');
  const request = shellJob([HEARS, 'echo written > /opt/ml/model/file', 'echo ready', untilTold()]);
  const job = await startJob(request, await asOrdinaryUser(home));
  await job.shows('algo-1 | ready');
  await docker('rm', '-f', await docker('ps', '-q', '--filter', `label=optml.job=${job.name}/names`));
  await tell(job.name);
  const { status, described } = await job.finish();
  expect({ status, is: described.TrainingJobStatus }).toEqual({ status: 0, is: 'Completed' });
});
