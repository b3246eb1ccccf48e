/** What no client should send: the answer is an S3 error, the server goes on, and nothing is written anywhere else. */

import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, codeOf, sendSigned, signRequest, startServer, type Running } from './harness.js';

let server: Running;

beforeAll(async () => {
  server = await startServer({ limits: { idleMs: 300, headersMs: 300 } });
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

/** Sends these bytes, and returns all that comes back until the server closes. */
async function exchange(bytes: string | Buffer, { halfClose = false } = {}): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  const pieces: Buffer[] = [];
  socket.on('data', piece => pieces.push(piece)).on('error', () => undefined);
  if (halfClose) socket.end(bytes);
  else socket.write(bytes);
  await once(socket, 'close');
  return Buffer.concat(pieces).toString('latin1');
}

describe('what is no HTTP', () => {
  it('gets an S3 error and the end of the connection', async () => {
    expect(await exchange('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*<Code>BadRequest<\/Code>/);
    expect(await exchange('GET / HTTP/1.1\r\nHost localhost\r\n\r\n')).toContain('<Code>BadRequest</Code>');
    expect(await exchange(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`)).toContain(
      '<Code>RequestHeaderSectionTooLarge</Code>',
    );
    expect(await exchange('GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).toContain(
      '<Code>InvalidRequest</Code>',
    );
    expect(await exchange('GET * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).toContain(
      '<Code>InvalidURI</Code>',
    );
  });

  it('is given up when headers do not come to an end', async () => {
    expect(await exchange('GET / HTTP/1.1\r\nHost: localhost\r\n')).toContain('<Code>RequestTimeout</Code>');
  });
});

it('gives up a client that stops in the middle of a body, and keeps nothing of it', async () => {
  const answer = await sendHalf();
  expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*<Code>RequestTimeout<\/Code>/);
});

it('says 100 Continue to who is let in, and the refusal at once to who is not', async () => {
  const refusal = await exchange(
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

async function sendHalf(): Promise<string> {
  const { presigned } = await presign();
  return await exchange(
    `PUT ${presigned} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(400_000)}`,
  );
}

async function presign(): Promise<{ presigned: string }> {
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
  const url = new URL(
    await getSignedUrl(server.client, new PutObjectCommand({ Bucket: BUCKET, Key: 'half' }), {
      expiresIn: 600,
    }),
  );
  return { presigned: url.pathname + url.search };
}

describe('10,000 requests made of chance', () => {
  const SEED = 20_261_123;
  const random = mulberry32(SEED);

  async function allAnswered(make: () => Promise<Buffer> | Buffer, atLeast: number): Promise<void> {
    let answered = 0;
    for (let batch = 0; batch < 125; batch++) {
      const requests = await Promise.all(Array.from({ length: 40 }, async () => await make()));
      const answers = await Promise.all(requests.map(request => exchangeQuickly(request)));
      answered += answers.filter(answer => answer.startsWith('HTTP/1.1 ')).length;
      expect(
        answers.filter(answer => answer !== '' && !/^HTTP\/1\.1 [1-4]\d\d |^HTTP\/1\.1 501 /.test(answer)),
      ).toEqual([]);
    }
    expect(answered).toBeGreaterThan(atLeast);
    expect(server.faults).toEqual([]);
  }

  it('that nobody signed are refused, and none ends the server', async () => {
    const { presigned } = await presign();
    await allAnswered(() => mangledRequest(random, { presigned, port: server.port }), 4_500);
  });

  it('that are signed and make no sense are answered or refused, and none ends the server', async () => {
    await allAnswered(() => signedNonsense(random, server.port), 4_900);
  });
});

/** As `exchange`, but the client closes its side: nothing is waited for. */
async function exchangeQuickly(bytes: Buffer): Promise<string> {
  const socket: Socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  const pieces: Buffer[] = [];
  socket.on('data', piece => pieces.push(piece)).on('error', () => undefined);
  socket.on('end', () => socket.destroy());
  socket.end(bytes);
  await once(socket, 'close');
  return Buffer.concat(pieces).toString('latin1');
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pick = <T>(random: () => number, from: readonly T[], otherwise: T): T =>
  from[Math.floor(random() * from.length)] ?? otherwise;

/** A request that is nearly right, some of it changed, cut or doubled. */
function mangledRequest(
  random: () => number,
  { presigned, port }: { presigned: string; port: number },
): Buffer {
  const method = pick(random, ['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'get', ''], 'GET');
  const path = pick(
    random,
    [
      presigned,
      `/${BUCKET}/a`,
      '/',
      `/${BUCKET}?list-type=2&max-keys=%00`,
      `/${BUCKET}/../../x`,
      `/${BUCKET}/%2e%2e/%2e%2e/x`,
      `/..%2f..%2fx/y`,
      `/${BUCKET}?uploads`,
      `/${BUCKET}/x?uploadId=../../x&partNumber=1`,
      `//${BUCKET}//x`,
      `/${BUCKET}/%c3%28`,
    ],
    '/',
  );
  const headers = [
    `Host: ${pick(random, [`127.0.0.1:${port}`, 'localhost', '..', 'a.b.localhost', ''], 'localhost')}`,
    pick(
      random,
      [
        'Content-Length: 5',
        'Content-Length: -1',
        'Content-Length: 5\r\nContent-Length: 6',
        'Transfer-Encoding: chunked',
        'Content-Length: 99999999999',
        'X: y',
      ],
      '',
    ),
    pick(
      random,
      [
        'x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nx-amz-decoded-content-length: 5',
        'x-amz-copy-source: /../../etc/passwd',
        'Range: bytes=-0',
        'Range: bytes=9-1,3-',
        'Content-MD5: ====',
        'Expect: 100-continue',
        'Expect: 200-ok',
        'If-Match: "',
        'x-amz-tagging: %%%',
        'Authorization: AWS4-HMAC-SHA256 Credential=/////,SignedHeaders=;;,Signature=',
      ],
      '',
    ),
  ];
  const body = pick(random, ['hello', '5\r\nhello\r\n0\r\n\r\n', '<Delete/>', '\0\0\0', ''], '');
  const bytes = Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${body}`, 'latin1');
  const changes = Math.floor(random() * 4);
  for (let change = 0; change < changes; change++)
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return random() < 0.1 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
}

const PATHS = [
  '/',
  `/${BUCKET}`,
  `/${BUCKET}/a`,
  `/${BUCKET}/a/b`,
  `/${BUCKET}/../../../x`,
  `/${BUCKET}//`,
  `/${BUCKET}/%00`,
  `/${BUCKET}/${'k'.repeat(1100)}`,
  '/..',
  '/.optml/tmp',
  '/absent/x',
  `/${BUCKET}/${'d/'.repeat(300)}`,
];
const QUERIES = [
  'uploads',
  'uploadId',
  'partNumber',
  'tagging',
  'delete',
  'attributes',
  'list-type',
  'prefix',
  'delimiter',
  'max-keys',
  'marker',
  'continuation-token',
  'start-after',
  'encoding-type',
  'versionId',
  'location',
  'acl',
  '__proto__',
  'constructor',
  'response-expires',
];
const HEADERS = [
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'content-md5',
  'x-amz-copy-source',
  'x-amz-copy-source-range',
  'x-amz-tagging',
  'x-amz-checksum-crc32',
  'x-amz-checksum-algorithm',
  'x-amz-checksum-type',
  'x-amz-trailer',
  'x-amz-decoded-content-length',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-metadata-directive',
  'x-amz-object-attributes',
  'x-amz-max-parts',
  'x-amz-mp-object-size',
  'x-amz-server-side-encryption',
  'x-amz-meta-x',
  'content-encoding',
  'x-amz-storage-class',
  'x-amz-part-number-marker',
];
const VALUES = [
  '',
  '*',
  '2',
  '-1',
  '99999999999999999999',
  'x',
  `/${BUCKET}/a`,
  '../..',
  'bytes=0-0',
  'bytes=5-',
  '"',
  'CRC32',
  'x-amz-checksum-crc32',
  'AAAAAA==',
  'url',
  '/',
  'COPY',
  'REPLACE',
  'aws:kms',
  'ETag,ObjectParts',
  '%zz',
  '\u00e9',
  'a=b&a=b',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  'FULL_OBJECT',
  'null',
];
const BODIES = [
  '',
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  '<Delete><Object><Key>../x</Key></Object></Delete>',
  '<Tagging><TagSet><Tag/></TagSet></Tagging>',
  '<CompleteMultipartUpload><Part><PartNumber>1e999</PartNumber></Part></CompleteMultipartUpload>',
  '<a b="',
  '\0'.repeat(100),
  '<?xml?><a/>',
  '<CreateBucketConfiguration/>',
];
const PAYLOADS = [
  'UNSIGNED-PAYLOAD',
  'UNSIGNED-PAYLOAD',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  '0'.repeat(64),
  'x',
];

/** A request whose signature is right, and nothing else for sure. */
async function signedNonsense(random: () => number, port: number): Promise<Buffer> {
  const query: Record<string, string> = Object.create(null) as Record<string, string>;
  const headers: Record<string, string> = {};
  for (let count = Math.floor(random() * 4); count > 0; count--)
    query[pick(random, QUERIES, '')] = pick(random, VALUES, '');
  for (let count = Math.floor(random() * 4); count > 0; count--)
    headers[pick(random, HEADERS, '')] = pick(random, VALUES, '');
  const body = pick(random, BODIES, '');
  const {
    method,
    path,
    headers: signed,
  } = await signRequest(port, {
    method: pick(random, ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'], 'GET'),
    path: pick(random, PATHS, '/'),
    query,
    headers: { ...headers, 'x-amz-content-sha256': pick(random, PAYLOADS, '') },
  });
  const lines = Object.entries(signed).map(([name, value]) => `${name}: ${value}`);
  const length = random() < 0.9 ? [`content-length: ${body.length}`] : [];
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\n${[...lines, ...length].join('\r\n')}\r\n\r\n${body}`,
    'latin1',
  );
}
