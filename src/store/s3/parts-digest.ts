/** The checksum of an object that was uploaded in parts: one of the checksums of its parts. */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ListedObject, ObjectAddress } from '../port.js';
import { compare, encodeCrc, hidesMd5, type Digest } from './checksum.js';
import type { S3Client } from './client.js';
import { headerText, S3Fault, type Headers } from './fault.js';

const PARTED = /^[0-9a-f]{32}-(\d+)$/i;

/**
 * Bytes of all parts but the last; null for an object in one piece, of parts of several sizes, or of a store that does not say.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html (`partNumber`)
 */
export async function partSizeOf(
  client: S3Client,
  { bucket, key, etag, size }: ObjectAddress & ListedObject,
  signal: AbortSignal,
): Promise<number | null> {
  const count = Number(PARTED.exec(etag ?? '')?.[1] ?? 0);
  // An ETag of one part may be any server's own: that of a file put into a folder by hand.
  if (etag === null || size === null || count < 2) return null;
  try {
    const { headers } = await client.call({
      method: 'HEAD',
      bucket,
      key,
      query: { partNumber: '1' },
      headers: { 'if-match': `"${etag}"` },
      signal,
    });
    const first = Number(headerText(headers, 'content-length') ?? 0);
    return first > 0 && Math.ceil(size / first) === count ? first : null;
  } catch (thrown) {
    signal.throwIfAborted();
    // What is wrong with the object itself, its GET will tell.
    if (thrown instanceof S3Fault && thrown.kind === 'final') return null;
    throw thrown;
  }
}

/** Null when neither a CRC-32 of the parts' is there nor an ETag that is an MD5 of the parts'. */
export function partsDigest(headers: Headers, etag: string, partSize: number): Digest | null {
  const said = /^([A-Za-z0-9+/]{6}==)-\d+$/.exec(headerText(headers, 'x-amz-checksum-crc32') ?? '')?.[1];
  if (said !== undefined)
    return inParts(partSize, crcOfPart, parts => compare(encodeCrc(crc32(parts)), said));
  if (hidesMd5(headers)) return null;
  const expected = etag.toLowerCase().replace(/-\d+$/, '');
  return inParts(partSize, md5OfPart, parts =>
    compare(createHash('md5').update(parts).digest('hex'), expected),
  );
}

interface PartSum {
  update(bytes: Uint8Array): void;
  digest(): Buffer;
}

function inParts(partSize: number, begin: () => PartSum, mismatch: (sums: Buffer) => string | null): Digest {
  const sums: Buffer[] = [];
  let part = begin();
  let filled = 0;
  return {
    update(chunk) {
      for (let at = 0; at < chunk.length;) {
        if (filled === partSize) {
          sums.push(part.digest());
          part = begin();
          filled = 0;
        }
        const piece = chunk.subarray(at, at + partSize - filled);
        part.update(piece);
        filled += piece.length;
        at += piece.length;
      }
    },
    mismatch: () => mismatch(Buffer.concat([...sums, part.digest()])),
  };
}

function crcOfPart(): PartSum {
  let value = 0;
  return {
    update: bytes => void (value = crc32(bytes, value)),
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    },
  };
}

function md5OfPart(): PartSum {
  const state = createHash('md5');
  return { update: bytes => void state.update(bytes), digest: () => state.digest() };
}
