/** What no client should send: the answer is an S3 error, the server goes on, and nothing is written anywhere else. */

import { readdirSync } from 'node:fs';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, codeOf, sendSigned, startServer, type Running } from './harness.js';
import { exchange } from './raw-socket.js';

let server: Running;

beforeAll(async () => {
  server = await startServer();
  await server.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'kept', Body: 'kept' }));
});
afterAll(async () => {
  expect(readdirSync(server.parent)).toEqual(['s3']);
  const { Body } = await server.client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'kept' }));
  expect(await Body?.transformToString()).toBe('kept');
  await server.stop();
});

const refused = async (request: Parameters<typeof sendSigned>[1]) => {
  const answer = await sendSigned(server.port, request);
  return [answer.status, codeOf(answer)];
};

describe('a document', () => {
  const bodies = [
    '',
    'text',
    '<Delete>',
    '<Delete></Delete>',
    '<Other><Object><Key>x</Key></Object></Other>',
    '<Delete><Object></Object></Delete>',
    '<Delete><Object>x</Object></Delete>',
    '<Delete><Object><Key></Key></Object></Delete>',
    '<Delete><Object><Key><Key>x</Key></Key></Object></Delete>',
    '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&e;</Key></Object></Delete>',
    '<Delete><Object><Key>&#x110000;</Key></Object></Delete>',
    `<Delete>${'<a>'.repeat(5_000)}</Delete>`,
    `<Delete>${'<Object><Key>x</Key></Object>'.repeat(1001)}</Delete>`,
    '<__proto__><Object/></__proto__>',
  ];

  it.each(bodies)('that is not the one expected is MalformedXML: %.60s', async body => {
    expect(await refused({ method: 'POST', path: `/${BUCKET}`, query: { delete: '' }, body })).toEqual([
      400,
      'MalformedXML',
    ]);
  });

  it('that is too large is refused before it is read', async () => {
    expect(
      await refused({
        method: 'POST',
        path: `/${BUCKET}`,
        query: { delete: '' },
        headers: { 'content-length': String(10 ** 9) },
      }),
    ).toEqual([400, 'MaxMessageLengthExceeded']);
  });
});

describe('a body in chunks', () => {
  const put = (body: string, more: Record<string, string> = {}) =>
    refused({
      method: 'PUT',
      path: `/${BUCKET}/chunked`,
      headers: {
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': '5',
        ...more,
      },
      body,
    });

  it('is refused when its framing is broken', async () => {
    for (const body of [
      'x\r\nhello\r\n0\r\n\r\n',
      '5\nhello\r\n0\r\n\r\n',
      '5\r\nhelloo\r\n0\r\n\r\n',
      '-5\r\nhello\r\n',
      `${'1'.repeat(9_000)}\r\n`,
      'ffffffffffffff\r\nhello',
      '5\r\nhello\r\n0\r\n\r\nmore',
    ])
      expect([body.slice(0, 20), await put(body)]).toEqual([
        body.slice(0, 20),
        [400, expect.stringMatching(/InvalidRequest|IncompleteBody/)],
      ]);
  });

  it('is refused when it ends early, or is longer or shorter than was said', async () => {
    for (const body of [
      '',
      '5\r\nhel',
      '5\r\nhello\r\n',
      '5\r\nhello\r\n0\r\n',
      '3\r\nhel\r\n0\r\n\r\n',
      '6\r\nhello!\r\n0\r\n\r\n',
    ])
      expect([body, await put(body)]).toEqual([body, [400, 'IncompleteBody']]);
    expect(await put('', { 'x-amz-decoded-content-length': 'x' })).toEqual([400, 'InvalidArgument']);
    expect(await put('', { 'x-amz-decoded-content-length': String(6 * 1024 ** 3) })).toEqual([
      400,
      'EntityTooLarge',
    ]);
  });

  it('is refused when a trailer is not what was announced', async () => {
    const sum = { 'x-amz-trailer': 'x-amz-checksum-crc32' };
    expect(await put('5\r\nhello\r\n0\r\n\r\n', sum)).toEqual([400, 'MalformedTrailerError']);
    expect(await put('5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n', sum)).toEqual([
      400,
      'BadDigest',
    ]);
    expect(await put('5\r\nhello\r\n0\r\nnonsense\r\n\r\n', sum)).toEqual([400, 'MalformedTrailerError']);
    expect(await put('5\r\nhello\r\n0\r\n\r\n', { 'x-amz-trailer': 'x-amz-checksum-md4' })).toEqual([
      501,
      'NotImplemented',
    ]);
  });

  it('and nothing of all that is an object', async () => {
    expect((await refused({ path: `/${BUCKET}/chunked` }))[0]).toBe(404);
  });
});

it('refuses lengths, paths, queries and methods that make no sense', async () => {
  const unsized = {
    method: 'PUT',
    path: `/${BUCKET}/x`,
    headers: { 'transfer-encoding': 'chunked' },
    body: 'x',
  };
  expect(await refused(unsized)).toEqual([411, 'MissingContentLength']);
  expect(await refused({ path: `/${BUCKET}/%ff` })).toEqual([400, 'InvalidURI']);
  expect(await refused({ path: `/${BUCKET}/%` })).toEqual([400, 'InvalidURI']);
  expect(await refused({ method: 'PATCH', path: `/${BUCKET}/x` })).toEqual([405, 'MethodNotAllowed']);
  expect(await refused({ method: 'POST', path: `/${BUCKET}` })).toEqual([501, 'NotImplemented']);
  expect(await refused({ path: `/${BUCKET}/kept`, query: { partNumber: 'x' } })).toEqual([
    400,
    'InvalidArgument',
  ]);
  expect(await refused({ path: `/${BUCKET}/kept`, query: { versionId: 'x' } })).toEqual([
    404,
    'NoSuchVersion',
  ]);
  expect(await refused({ path: `/${BUCKET}/kept`, query: { 'response-content-type': 'a\r\nb: c' } })).toEqual(
    [400, 'InvalidArgument'],
  );
  expect(
    await refused({
      method: 'PUT',
      path: `/${BUCKET}/x`,
      headers: { 'x-amz-meta-a': 'b'.repeat(2048), 'content-length': '0' },
    }),
  ).toEqual([400, 'MetadataTooLarge']);
});

describe('what is no HTTP', () => {
  it('gets an S3 error and the end of the connection', async () => {
    expect(await exchange(server.port, 'nonsense\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 [^]*<Code>BadRequest<\/Code>/,
    );
    expect(await exchange(server.port, 'GET / HTTP/1.1\r\nHost localhost\r\n\r\n')).toContain(
      '<Code>BadRequest</Code>',
    );
    expect(
      await exchange(server.port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`),
    ).toContain('<Code>RequestHeaderSectionTooLarge</Code>');
    expect(await exchange(server.port, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).toContain(
      '<Code>InvalidRequest</Code>',
    );
    expect(
      await exchange(server.port, 'GET * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    ).toContain('<Code>InvalidURI</Code>');
  });
});

it('says 100 Continue to who is let in, and the refusal at once to who is not', async () => {
  const refusal = await exchange(
    server.port,
    `PUT /${BUCKET}/x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
  );
  expect(refusal).toMatch(/^HTTP\/1\.1 403 /);
  const { status } = await sendSigned(server.port, {
    method: 'PUT',
    path: `/${BUCKET}/expected`,
    headers: { expect: '100-continue', 'content-length': '5' },
    body: 'hello',
  });
  expect(status).toBe(200);
});
