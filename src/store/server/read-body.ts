/** A request's body, decoded and held against everything that was said of it. */

import { createHash } from 'node:crypto';
import type { Payload } from './caller.js';
import { startChecksum, type Algorithm } from './checksums.js';
import { createChunkDecoder } from './chunk-decoder.js';
import { assertChecksumForm, declaredDigests } from './declared-digests.js';
import { pump } from './pump.js';
import { headerOf, type S3Request } from './request.js';
import { S3Error } from './s3-error.js';

export interface BodyOptions {
  readonly request: S3Request;
  readonly payload: Payload;
  /** Bytes that are taken at most. */
  readonly limit: number;
  /** Between two pieces. */
  readonly idleMs: number;
  /** Also computed when the client sends none. */
  readonly algorithm?: Algorithm | null;
}

export interface BodyFacts {
  readonly size: number;
  /** In hex. */
  readonly md5: string;
  readonly checksum: { readonly algorithm: Algorithm; /** Base64. */ readonly value: string } | null;
}

/** How long the body will be. Throws MissingContentLength, EntityTooLarge. */
export function bodyLength({ request, payload, limit }: BodyOptions): number {
  const text = headerOf(
    request,
    payload.kind === 'chunked' ? 'x-amz-decoded-content-length' : 'content-length',
  );
  const framed = headerOf(request, 'transfer-encoding') !== undefined;
  if (text === undefined && (framed || payload.kind === 'chunked')) throw new S3Error('MissingContentLength');
  const length = Number(text ?? 0);
  if (!/^\d+$/.test(text ?? '0') || !Number.isSafeInteger(length))
    throw new S3Error('InvalidArgument', 'The length of the body is no number.');
  if (length > limit)
    throw new S3Error('EntityTooLarge', undefined, {
      details: { ProposedSize: String(length), MaxSizeAllowed: String(limit) },
    });
  return length;
}

/**
 * Hands the data to `write`, and returns when all of it has come and is what was said: length, Content-MD5, checksum,
 * payload hash, signatures of chunks. Whatever was written before a throw is worth nothing.
 */
export async function readBody(
  options: BodyOptions,
  write: (data: Buffer) => Promise<void> | undefined,
): Promise<BodyFacts> {
  const { request, payload, idleMs } = options;
  const expected = bodyLength(options);
  const declared = declaredDigests(request);
  const algorithm = declared.checksum?.algorithm ?? options.algorithm ?? null;
  const decoder = payload.kind === 'chunked' ? createChunkDecoder(payload) : null;
  const md5 = createHash('md5');
  const sha256 = payload.kind === 'hash' ? createHash('sha256') : null;
  const checksum = algorithm === null ? null : await startChecksum(algorithm);
  let size = 0;

  function take(data: Buffer): Promise<void> | undefined {
    size += data.length;
    if (size > expected) throw new S3Error('IncompleteBody');
    md5.update(data);
    sha256?.update(data);
    checksum?.update(data);
    return write(data);
  }

  await pump(request.message, {
    idleMs,
    onPiece(piece) {
      if (decoder === null) return take(piece);
      let work: Promise<void> | undefined;
      for (const data of decoder.decode(piece)) work = take(data) ?? work;
      return work;
    },
  });
  const trailers = decoder?.finish();
  if (size !== expected) throw new S3Error('IncompleteBody');
  const facts = {
    size,
    md5: md5.digest('hex'),
    checksum:
      checksum === null || algorithm === null
        ? null
        : { algorithm, value: (await checksum.digest()).toString('base64') },
  };
  const trailer = algorithm === null ? undefined : trailers?.get(`x-amz-checksum-${algorithm}`);
  assertDigests(facts, { md5: declared.md5, checksum: declared.checksum, trailer });
  if (sha256 !== null && payload.kind === 'hash' && sha256.digest('hex') !== payload.hash)
    throw new S3Error('XAmzContentSHA256Mismatch');
  return facts;
}

function assertDigests(
  facts: BodyFacts,
  { md5, checksum, trailer }: ReturnType<typeof declaredDigests> & { readonly trailer: string | undefined },
): void {
  if (md5 !== null && md5 !== facts.md5)
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  if (checksum === null) return;
  if (checksum.value === null && trailer === undefined) throw new S3Error('MalformedTrailerError');
  const said = checksum.value ?? trailer ?? '';
  assertChecksumForm(checksum.algorithm, said);
  if (said !== facts.checksum?.value)
    throw new S3Error(
      'BadDigest',
      `The ${checksum.algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    );
}

/** A small body in memory. */
export async function readSmallBody(options: BodyOptions): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await readBody(options, data => void pieces.push(data));
  return Buffer.concat(pieces);
}
