import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { digestFor, encodeCrc } from '../../src/store/s3/checksum.js';

const body = Buffer.from('some bytes of an object');
const base64 = (algorithm: string): string => createHash(algorithm).update(body).digest('base64');
const md5 = createHash('md5').update(body).digest('hex');

describe('the digest of a body', () => {
  it.each([
    ['its CRC-32', { 'x-amz-checksum-crc32': encodeCrc(crc32(body)) }, 'abc-2'],
    ['its SHA-256', { 'x-amz-checksum-sha256': base64('sha256') }, 'abc-2'],
    ['its SHA-1', { 'x-amz-checksum-sha1': base64('sha1') }, 'abc-2'],
    ['the MD5 in its ETag', {}, md5],
    ['the MD5 beside the checksum of its parts', { 'x-amz-checksum-crc32': 'AAAAAA==-1' }, md5],
    ['the MD5 beside a CRC-64', { 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }, md5],
  ])('is %s, taken in pieces of any size', (_what, headers, etag) => {
    const digest = digestFor(headers, etag);
    // An empty buffer that no memory belongs to, as a parser hands out: zlib.crc32 would start anew with it.
    for (const piece of [body.subarray(0, 5), Buffer.alloc(0), new Uint8Array(0), body.subarray(5)])
      digest?.update(piece);
    expect(digest?.mismatch()).toBeNull();
    expect(digestFor(headers, etag)?.mismatch()).toMatch(/^checksum .*, expected /);
  });

  it.each([
    ['a multipart ETag', {}, `${md5}-2`],
    ['an ETag under KMS', { 'x-amz-server-side-encryption': 'aws:kms' }, md5],
    [
      'a checksum of checksums',
      { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-type': 'COMPOSITE' },
      'x-1',
    ],
  ])('is not there for %s', (_what, headers, etag) => {
    expect(digestFor(headers, etag)).toBeNull();
  });
});
