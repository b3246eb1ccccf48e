/** Who is let in: signatures in header and query, of both versions, of bodies in chunks; keys that come and go. */

import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallerKey } from '../../../src/store/server/caller.js';
import {
  ACCESS_KEY,
  BUCKET,
  codeOf,
  createClient,
  refusal,
  REGION,
  SECRET_KEY,
  send,
  sendSigned,
  startServer,
  type Running,
} from './harness.js';

let server: Running;
const keys = new Map<string, CallerKey>([[ACCESS_KEY, { secretAccessKey: SECRET_KEY }]]);

beforeAll(async () => {
  server = await startServer({ keys: id => keys.get(id) ?? null });
  await server.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'x', Body: 'content' }));
});
afterAll(() => server.stop());

const stored = (key: string): string => readFileSync(join(server.root, BUCKET, key), 'utf8');

function holder(secretAccessKey: string, more: { accessKeyId?: string; sessionToken?: string } = {}) {
  return createClient(server.url, { accessKeyId: ACCESS_KEY, secretAccessKey, ...more });
}

const read = (client = server.client) => client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'x' }));

describe('a request', () => {
  it('with a wrong secret, an unknown key or no signature is refused', async () => {
    expect(await refusal(read(holder('wrong')))).toEqual(['SignatureDoesNotMatch', 403]);
    expect(await refusal(read(holder(SECRET_KEY, { accessKeyId: 'UNKNOWN' })))).toEqual([
      'InvalidAccessKeyId',
      403,
    ]);
    const anonymous = await send(server.port, { path: `/${BUCKET}/x` });
    expect([anonymous.status, codeOf(anonymous)]).toEqual([403, 'AccessDenied']);
  });

  it('that was signed more than a quarter of an hour off is refused', async () => {
    for (const minutes of [-16, 16]) {
      const answer = await sendAt(new Date(Date.now() + minutes * 60_000));
      expect([answer.status, codeOf(answer)]).toEqual([403, 'RequestTimeTooSkewed']);
    }
    expect((await sendAt(new Date(Date.now() - 14 * 60_000))).status).toBe(200);
  });

  it('must have its x-amz- headers signed', async () => {
    const answer = await sendAt(new Date(), { unsigned: { 'x-amz-meta-a': 'b' } });
    expect([answer.status, codeOf(answer)]).toEqual([403, 'AccessDenied']);
  });

  it('may name any region', async () => {
    expect((await sendAt(new Date(), { region: 'eu-central-1' })).status).toBe(200);
  });

  it('for another service, or of another kind of signature, is refused', async () => {
    const headers = {
      host: 'localhost',
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-amz-date': amzDate(new Date()),
    };
    for (const [authorization, code] of [
      [
        `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/20130524/${REGION}/sts/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
        'AuthorizationHeaderMalformed',
      ],
      [
        `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}, SignedHeaders=host, Signature=x`,
        'AuthorizationHeaderMalformed',
      ],
      ['AWS4-HMAC-SHA256 nonsense', 'AuthorizationHeaderMalformed'],
      ['AWS4-ECDSA-P256-SHA256 Credential=x', 'NotImplemented'],
      [`AWS ${ACCESS_KEY}:c2lnbmF0dXJl`, 'InvalidRequest'],
      ['Bearer x', 'InvalidRequest'],
    ] as const)
      expect([
        authorization,
        codeOf(await send(server.port, { path: '/', headers: { ...headers, authorization } })),
      ]).toEqual([authorization, code]);
  });

  it('is served for the names of the server, and for its addresses, only', async () => {
    const hosts = async (host: string) =>
      codeOf(await send(server.port, { path: `/${BUCKET}/x`, headers: { host } }));
    const unsigned = 'AccessDenied';
    for (const host of [
      'localhost',
      `LOCALHOST:${server.port}`,
      `${BUCKET}.localhost`,
      '127.0.0.1',
      '[::1]:80',
    ])
      expect(await hosts(host)).toBe(unsigned);
    const foreign = await send(server.port, { path: `/${BUCKET}/x`, headers: { host: 'evil.example' } });
    expect([foreign.status, foreign.body.toString()]).toEqual([403, expect.stringContaining('evil.example')]);
  });

  it('for a body that has another hash than was signed changes nothing', async () => {
    await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'hash', Body: 'before' }));
    const hash = createHash('sha256').update('something else').digest('hex');
    const answer = await sendSigned(server.port, {
      method: 'PUT',
      path: `/${BUCKET}/hash`,
      headers: { 'x-amz-content-sha256': hash, 'content-length': '5' },
      body: 'after',
    });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'XAmzContentSHA256Mismatch']);
    expect(stored('hash')).toBe('before');
  });

  it('has an id, a date and a server in its answer', async () => {
    const { headers } = await send(server.port, { path: '/' });
    expect([headers['x-amz-request-id'], headers.server]).toEqual([
      expect.stringMatching(/^[0-9A-F]{16}$/),
      'optml',
    ]);
    expect(Date.parse(headers.date ?? '')).not.toBeNaN();
  });
});

describe('keys', () => {
  it('of a session work with its token only', async () => {
    keys.set('SESSION', { secretAccessKey: 'secret', sessionToken: 'token' });
    const session = { accessKeyId: 'SESSION', sessionToken: 'token' };
    await read(holder('secret', session));
    expect(await refusal(read(holder('secret', { accessKeyId: 'SESSION' })))).toEqual([
      'InvalidAccessKeyId',
      403,
    ]);
    expect(await refusal(read(holder('secret', { ...session, sessionToken: 'other' })))).toEqual([
      'InvalidToken',
      400,
    ]);
    expect(await refusal(read(holder(SECRET_KEY, { sessionToken: 'token' })))).toEqual(['InvalidToken', 400]);
  });

  it('of a job do what they may, and nothing once they are taken away', async () => {
    keys.set('JOB', {
      secretAccessKey: 'secret',
      may: ({ operation, bucket, key }) =>
        operation === 'GetObject' && bucket === BUCKET && key.startsWith('x'),
    });
    const job = holder('secret', { accessKeyId: 'JOB' });
    await read(job);
    expect(await refusal(job.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'x', Body: '' })))).toEqual([
      'AccessDenied',
      403,
    ]);
    expect(await refusal(job.send(new ListBucketsCommand({})))).toEqual(['AccessDenied', 403]);
    keys.delete('JOB');
    expect(await refusal(read(job))).toEqual(['InvalidAccessKeyId', 403]);
  });
});

describe('a presigned URL', () => {
  it('of version 4 reads and writes until it expires', async () => {
    const get = await getSignedUrl(server.client, new GetObjectCommand({ Bucket: BUCKET, Key: 'x' }), {
      expiresIn: 60,
    });
    expect(await (await fetch(get)).text()).toBe('content');
    const put = await getSignedUrl(
      server.client,
      new PutObjectCommand({ Bucket: BUCKET, Key: 'pre signed' }),
      { expiresIn: 60 },
    );
    expect((await fetch(put, { method: 'PUT', body: 'sent' })).status).toBe(200);
    expect(stored('pre signed')).toBe('sent');
    const old = await getSignedUrl(server.client, new GetObjectCommand({ Bucket: BUCKET, Key: 'x' }), {
      expiresIn: 60,
      signingDate: new Date(Date.now() - 61_000),
    });
    const expired = await fetch(old);
    expect([expired.status, await expired.text()]).toEqual([
      403,
      expect.stringContaining('Request has expired'),
    ]);
  });

  it('of version 4 that was changed is refused', async () => {
    const url = await getSignedUrl(server.client, new GetObjectCommand({ Bucket: BUCKET, Key: 'x' }), {
      expiresIn: 60,
    });
    for (const changed of [
      url.replace('/x?', '/hash?'),
      url.replace('Expires=60', 'Expires=61'),
      `${url}&tagging=`,
      url.replace(/Signature=\w/, 'Signature=z'),
    ])
      expect([403, 400]).toContain((await fetch(changed)).status);
    const long = await fetch(url.replace('Expires=60', 'Expires=604801'));
    expect([long.status, await long.text()]).toEqual([
      400,
      expect.stringContaining('AuthorizationQueryParametersError'),
    ]);
  });

  it('of version 2 works as boto3 makes it, with headers moved into the query', async () => {
    const now = Math.floor(Date.now() / 1000);
    expect((await send(server.port, v2({ path: `/${BUCKET}/x`, expires: now + 60 }))).body.toString()).toBe(
      'content',
    );
    const override = v2({
      path: `/${BUCKET}/x`,
      expires: now + 60,
      query: { 'response-content-type': 'text/x' },
    });
    expect((await send(server.port, override)).headers['content-type']).toBe('text/x');
    const put = v2({
      method: 'PUT',
      path: `/${BUCKET}/v2%20put`,
      expires: now + 60,
      query: { 'content-type': 'text/y', 'x-amz-meta-a': 'b' },
    });
    expect(
      (await send(server.port, { ...put, headers: { 'content-length': '4' }, body: 'sent' })).status,
    ).toBe(200);
    expect(stored('v2 put')).toBe('sent');
    const head = await server.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'v2 put' }));
    expect(head.ContentLength).toBe(4);
  });

  it('of version 2 that expired or was changed is refused', async () => {
    const now = Math.floor(Date.now() / 1000);
    const expired = await send(server.port, v2({ path: `/${BUCKET}/x`, expires: now - 1 }));
    expect([expired.status, expired.body.toString()]).toEqual([
      403,
      expect.stringContaining('Request has expired'),
    ]);
    const url = v2({ path: `/${BUCKET}/x`, expires: now + 60 });
    for (const path of [
      url.path.replace('/x?', '/hash?'),
      url.path.replace(/Expires=\d+/, `Expires=${now + 61}`),
    ])
      expect(codeOf(await send(server.port, { path }))).toBe('SignatureDoesNotMatch');
    expect(codeOf(await send(server.port, { path: url.path.replace(/&Signature=[^&]*/, '') }))).toBe(
      'AccessDenied',
    );
  });
});

describe('a body in signed chunks', () => {
  const chunks = ['a'.repeat(9_000), 'b'.repeat(9_000), 'end'];

  it('is taken when every signature holds', async () => {
    for (const trailer of [false, true]) {
      const answer = await sendChunked({ chunks, trailer, key: `chunked-${trailer}` });
      expect([answer.status, answer.body.toString()]).toEqual([200, '']);
      expect(stored(`chunked-${trailer}`)).toBe(chunks.join(''));
    }
  });

  it('is refused when one does not', async () => {
    for (const [what, change] of [
      ['a byte of data', (body: string) => body.replace('bbb', 'bcb')],
      ['the last signature', (body: string) => body.replace(/0;chunk-signature=\w/, '0;chunk-signature=z')],
      ['a trailer', (body: string) => body.replace('sha256:', 'sha256:A')],
    ] as const) {
      const answer = await sendChunked({ chunks, trailer: true, key: 'chunked-bad', change });
      expect([what, [400, 403].includes(answer.status), codeOf(answer)]).toEqual([
        what,
        true,
        expect.stringMatching(/SignatureDoesNotMatch|InvalidRequest/),
      ]);
    }
    expect((await sendSigned(server.port, { path: `/${BUCKET}/chunked-bad` })).status).toBe(404);
  });
});

function amzDate(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The rules of AWS's page, spelled out once more. */
function signedBy({
  method,
  path,
  headers,
  date,
  region = REGION,
}: {
  method: string;
  path: string;
  headers: Record<string, string>;
  date: Date;
  region?: string;
}) {
  const names = Object.keys(headers).sort();
  const scope = `${amzDate(date).slice(0, 8)}/${region}/s3/aws4_request`;
  const canonical = [
    method,
    path,
    '',
    ...names.map(name => `${name}:${headers[name] ?? ''}`),
    '',
    names.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n');
  let key = hmac(`AWS4${SECRET_KEY}`, amzDate(date).slice(0, 8));
  for (const item of [region, 's3', 'aws4_request']) key = hmac(key, item);
  const sign = (text: string): string => hmac(key, text).toString('hex');
  const signature = sign(`AWS4-HMAC-SHA256\n${amzDate(date)}\n${scope}\n${sha256(canonical)}`);
  const authorization = `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/${scope},SignedHeaders=${names.join(';')},Signature=${signature}`;
  return { authorization, signature, sign, scope: `${amzDate(date)}\n${scope}` };
}

function sendAt(
  date: Date,
  { region = REGION, unsigned = {} }: { region?: string; unsigned?: Record<string, string> } = {},
) {
  const path = `/${BUCKET}/x`;
  const headers = {
    host: `127.0.0.1:${server.port}`,
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    'x-amz-date': amzDate(date),
  };
  const { authorization } = signedBy({ method: 'GET', path, headers, date, region });
  return send(server.port, { path, headers: { ...headers, ...unsigned, authorization } });
}

function v2({
  method = 'GET',
  path,
  expires,
  query = {},
}: {
  method?: string;
  path: string;
  expires: number;
  query?: Record<string, string>;
}) {
  const moved = Object.entries(query).filter(([name]) => name.startsWith('x-amz-'));
  const signedQuery = Object.entries(query).filter(([name]) => name.startsWith('response-'));
  const text = [
    method,
    '',
    query['content-type'] ?? '',
    String(expires),
    moved.map(([name, value]) => `${name}:${value}\n`).join('') +
      path +
      (signedQuery.length > 0 ? `?${signedQuery.map(pair => pair.join('=')).join('&')}` : ''),
  ].join('\n');
  const signature = createHmac('sha1', SECRET_KEY).update(text).digest('base64');
  const all = { AWSAccessKeyId: ACCESS_KEY, Signature: signature, Expires: String(expires), ...query };
  const search = Object.entries(all).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return { method, path: `${path}?${search.join('&')}` };
}

function sendChunked({
  chunks,
  trailer,
  key,
  change = body => body,
}: {
  chunks: readonly string[];
  trailer: boolean;
  key: string;
  change?: (body: string) => string;
}) {
  const path = `/${BUCKET}/${key}`;
  const date = new Date();
  const data = chunks.join('');
  const sum = createHash('sha256').update(data).digest('base64');
  const headers = {
    host: `127.0.0.1:${server.port}`,
    'content-encoding': 'aws-chunked',
    'x-amz-content-sha256': `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailer ? '-TRAILER' : ''}`,
    'x-amz-date': amzDate(date),
    'x-amz-decoded-content-length': String(data.length),
    ...(trailer ? { 'x-amz-trailer': 'x-amz-checksum-sha256' } : {}),
  };
  const { authorization, signature, sign, scope } = signedBy({ method: 'PUT', path, headers, date });
  let previous = signature;
  let body = '';
  for (const chunk of [...chunks, '']) {
    previous = sign(`AWS4-HMAC-SHA256-PAYLOAD\n${scope}\n${previous}\n${sha256('')}\n${sha256(chunk)}`);
    body += `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${chunk}${chunk === '' ? '' : '\r\n'}`;
  }
  if (trailer) {
    // A change of the value must show in the signature of the trailers.
    const line = `x-amz-checksum-sha256:${sum}`;
    const last = sign(`AWS4-HMAC-SHA256-TRAILER\n${scope}\n${previous}\n${sha256(`${line}\n`)}`);
    body += `${line}\r\nx-amz-trailer-signature:${last}\r\n`;
  }
  body = change(`${body}\r\n`);
  return send(server.port, {
    method: 'PUT',
    path,
    headers: { ...headers, authorization, 'content-length': String(body.length) },
    body,
  });
}
