/** How a server is reached: TLS with a private CA, another region, redirects, session tokens. Real servers throughout. */

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixedCredentials, type AwsCredentials } from '../../src/aws/credentials.js';
import { openStore } from '../../src/store/open-store.js';
import type { Store } from '../../src/store/port.js';
import { refusedJob, runJob, startJob } from '../harness/job.js';
import { channel, shellJob } from '../harness/requests.js';
import { pythonClients } from '../store/clients.js';
import { collect } from '../store/contract.js';
import { startMinio } from '../store/minio.js';
import { serverFolder, type RealServer, type S3Address } from '../store/server-program.js';
import { makeCertificates, type Certificates } from './certificates.js';
import { startUp } from './endpoint.js';
import { clientEnvironment, foundServer, sdkClient } from './subject.js';

const run = promisify(execFile);
const signal = new AbortController().signal;
const IN_DATA = { bucket: 'data', key: '' };

async function fill(address: S3Address): Promise<void> {
  const client = sdkClient(address);
  await client.send(new CreateBucketCommand({ Bucket: 'data' })).catch(() => undefined);
  await client.send(new PutObjectCommand({ Bucket: 'data', Key: 'in/file', Body: 'content\n' }));
  client.destroy();
}

function keysOf({ accessKeyId, secretAccessKey }: S3Address): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

/** Reads the channel, and leaves a model of several parts. */
const COPYING = {
  InputDataConfig: [channel('c', 's3://data/in/')],
  OutputDataConfig: { S3OutputPath: 's3://data/out' },
};
const LINE = 'cat /opt/ml/input/data/c/file; head -c 20000000 /dev/urandom > /opt/ml/model/weights';

function storeOf(address: S3Address, credentials: AwsCredentials = address): Promise<Store> {
  const { url, region } = address;
  return openStore({ kind: 'url', url, region, credentials: fixedCredentials(credentials) });
}

describe('a server with a certificate of a private CA', () => {
  let place: Awaited<ReturnType<typeof serverFolder>>;
  let certificates: Certificates;
  let server: RealServer;
  beforeAll(async () => {
    place = await serverFolder('certificates');
    certificates = await makeCertificates(place.folder);
    const ca = await readFile(certificates.bundle);
    server = await startMinio({ certificates: certificates.folder, ask: url => isReady(url, ca) });
    const { aws } = pythonClients();
    const env = { ...clientEnvironment(server), AWS_CA_BUNDLE: certificates.bundle };
    await run(aws, ['s3', 'mb', 's3://data'], { env });
    await writeFile(join(place.folder, 'file'), 'content\n');
    await run(aws, ['s3', 'cp', join(place.folder, 'file'), 's3://data/in/file'], { env });
  });
  afterAll(async () => {
    await server.stop();
    await place.remove();
  });

  it('is trusted with AWS_CA_BUNDLE', async () => {
    const { status, log } = await runJob(shellJob(LINE, COPYING), {
      args: ['--store', server.url],
      env: { ...keysOf(server), AWS_CA_BUNDLE: certificates.bundle },
    });
    expect({ status, log }).toEqual({ status: 0, log: ['content'] });
  });

  it('is trusted by optml up, whose clients need no bundle', async () => {
    const up = await startUp(server, { AWS_CA_BUNDLE: certificates.bundle });
    const { aws } = pythonClients();
    const { stdout } = await run(aws, ['s3', 'cp', 's3://data/in/file', '-'], { env: clientEnvironment(up) });
    expect(stdout).toBe('content\n');
    await up.stop();
  });

  it('is refused without it, and the sentence names it', async () => {
    const job = await startJob(shellJob(LINE, COPYING), {
      args: ['--store', server.url],
      env: keysOf(server),
    });
    const { status, stderr } = await job.ended;
    expect(status).toBe(3);
    expect(stderr).toContain('AWS_CA_BUNDLE');
  });

  it('is refused with a bundle that holds no certificate, which is named', async () => {
    const bundle = join(place.folder, 'names');
    const stderr = await refusedJob(shellJob(LINE, COPYING), {
      args: ['--store', server.url],
      env: { ...keysOf(server), AWS_CA_BUNDLE: bundle },
    });
    expect(stderr).toContain(`AWS_CA_BUNDLE names "${bundle}"`);
  });
});

describe('a server in another region than is asked', () => {
  let server: RealServer;
  beforeAll(async () => {
    server = await startMinio({ region: 'eu-central-1' });
    await fill(server);
  });
  afterAll(() => server.stop());

  it('is asked in its own by a job, for inputs, outputs and parts', async () => {
    const { status, log } = await runJob(shellJob(LINE, COPYING), {
      args: ['--store', server.url],
      env: keysOf(server),
    });
    expect({ status, log }).toEqual({ status: 0, log: ['content'] });
  });

  it('is asked in its own by optml up, whose clients do not know it', async () => {
    const up = await startUp({ ...server, region: 'us-east-1' });
    const { aws } = pythonClients();
    const env = clientEnvironment(up);
    const { folder, remove } = await serverFolder('region');
    await writeFile(join(folder, 'large'), Buffer.alloc(20_000_000, 'x'));
    await run(aws, ['s3', 'cp', join(folder, 'large'), 's3://data/large'], { env });
    await run(aws, ['s3', 'cp', 's3://data/large', join(folder, 'back')], { env });
    expect((await readFile(join(folder, 'back'))).length).toBe(20_000_000);
    expect((await run(aws, ['s3', 'ls'], { env })).stdout).toContain('data');
    await remove();
    await up.stop();
  });
});

describe('a front that redirects', () => {
  let server: S3Address;
  beforeAll(async () => {
    server = foundServer('MinIO');
    await fill(server);
  });

  it('to another address is named, with the address to take', async () => {
    const { front, url } = await startFront((path, answer) =>
      answer.writeHead(301, { location: `${server.url}${path}` }).end(),
    );
    const store = await storeOf({ ...server, url });
    const expected = {
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining(`set --store to ${server.url}`) as string,
    };
    await expect(collect(store.list(IN_DATA, signal))).rejects.toMatchObject(expected);
    await expect(store.prepareOutput(IN_DATA, signal)).rejects.toMatchObject(expected);
    await store.close();
    front.close();
  });
});

describe('session credentials', () => {
  const server = foundServer('MinIO');
  let session: AwsCredentials;
  beforeAll(async () => {
    await fill(server);
    const { stdout } = await run(
      pythonClients().aws,
      [
        'sts',
        'assume-role',
        '--role-arn',
        'arn:aws:iam::000000000000:role/any',
        '--role-session-name',
        'test',
      ],
      { env: clientEnvironment(server) },
    );
    const { Credentials } = JSON.parse(stdout) as {
      Credentials: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string };
    };
    session = {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
    };
  });

  const environment = (sessionToken: string | undefined): Record<string, string> => ({
    AWS_ACCESS_KEY_ID: session.accessKeyId,
    AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
  });

  it('of STS serve a job', async () => {
    const { status, log } = await runJob(shellJob(LINE, COPYING), {
      args: ['--store', server.url],
      env: environment(session.sessionToken),
    });
    expect({ status, log }).toEqual({ status: 0, log: ['content'] });
  });

  it.each([
    ['with another token', 'wrong'],
    ['without their token', undefined],
  ])('%s are refused, and the sentence names the token', async (_how, token) => {
    const job = await startJob(shellJob('true', COPYING), {
      args: ['--store', server.url],
      env: environment(token),
    });
    const { status, stderr } = await job.ended;
    expect(status).toBe(3);
    expect(stderr).toContain('AWS_SESSION_TOKEN');
  });
});

async function startFront(
  answerTo: (path: string, answer: ServerResponse) => void,
): Promise<{ front: Server; url: string }> {
  const front = createServer((message, answer) => {
    message.resume();
    answerTo(message.url ?? '/', answer);
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  return { front, url: `http://127.0.0.1:${(front.address() as AddressInfo).port}` };
}

/** As `fetch`, which takes no certificates. */
function isReady(url: string, ca: Buffer): Promise<Response> {
  return new Promise((resolve, reject) => {
    request(url, { ca }, answer => {
      answer.resume();
      resolve(new Response(null, { status: answer.statusCode ?? 500 }));
    })
      .on('error', reject)
      .end();
  });
}
