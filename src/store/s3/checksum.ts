/** Is a body what the server has? Judged by what its headers and ETag say, as far as Node can compute it. */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { headerText, type Headers } from './fault.js';

/** Takes a body piece by piece. */
export interface Digest {
  update(chunk: Uint8Array): void;
  /** Null when the body is right, else what was computed and what was expected. */
  mismatch(): string | null;
}

/** The cheap ones first. CRC-32C and CRC-64/NVME are not in Node, and too slow in JavaScript. */
const HASHED = ['sha256', 'sha1'] as const;
const MD5 = /^[0-9a-f]{32}$/i;

/**
 * The digest for this answer: its checksum header when that covers the whole object, else the MD5 in the ETag of an
 * object uploaded in one piece; null when neither is there.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
export function digestFor(headers: Headers, etag: string): Digest | null {
  const crc = wholeChecksum(headers, 'crc32');
  if (crc !== undefined) return crcDigest(crc);
  for (const algorithm of HASHED) {
    const expected = wholeChecksum(headers, algorithm);
    if (expected !== undefined) return hashDigest(algorithm, { expected, encoding: 'base64' });
  }
  if (!MD5.test(etag) || hidesMd5(headers)) return null;
  return hashDigest('md5', { expected: etag.toLowerCase(), encoding: 'hex' });
}

/** The checksum of an object made of parts is one of their checksums, and ends with their count. */
function wholeChecksum(headers: Headers, algorithm: string): string | undefined {
  const value = headerText(headers, `x-amz-checksum-${algorithm}`);
  const composite = headerText(headers, 'x-amz-checksum-type')?.toUpperCase() === 'COMPOSITE';
  return value === undefined || value.includes('-') || composite ? undefined : value;
}

/** Under SSE-KMS and SSE-C the ETag has the form of an MD5 and is none. */
export function hidesMd5(headers: Headers): boolean {
  return (
    headerText(headers, 'x-amz-server-side-encryption')?.startsWith('aws:') === true ||
    headerText(headers, 'x-amz-server-side-encryption-customer-algorithm') !== undefined
  );
}

function crcDigest(expected: string): Digest {
  let value = 0;
  return {
    update(chunk) {
      // Of an empty buffer without memory behind it, crc32 forgets the value so far.
      if (chunk.length > 0) value = crc32(chunk, value);
    },
    mismatch: () => compare(encodeCrc(value), expected),
  };
}

function hashDigest(
  algorithm: string,
  { expected, encoding }: { readonly expected: string; readonly encoding: 'base64' | 'hex' },
): Digest {
  const state = createHash(algorithm);
  return {
    update: chunk => state.update(chunk),
    mismatch: () => compare(state.digest(encoding), expected),
  };
}

export function compare(found: string, expected: string): string | null {
  return found === expected ? null : `checksum ${found}, expected ${expected}`;
}

/** A CRC-32 as S3 writes it: base64 of its four bytes, the highest first. */
export function encodeCrc(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('base64');
}
