/** Requests made of chance: bytes that are nearly a request, and requests that are signed and make no sense. */

import { BUCKET, signRequest } from './harness.js';

/** Numbers from 0 to 1, the same ones for one seed. */
export function mulberry32(seed: number): () => number {
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
export function mangledRequest(
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
export async function signedNonsense(random: () => number, port: number): Promise<Buffer> {
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
