/**
 * `aws-chunked` bodies: sizes, data, signatures, trailers.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */

import { createHash, hash, type Hash } from 'node:crypto';
import { EMPTY_PAYLOAD } from '../../aws/payload-hash.js';
import type { ChunkSigning } from './caller.js';
import { S3Error } from './s3-error.js';
import { sameText } from './signature-v4.js';

export interface ChunkDecoder {
  /** The data in a piece of the body. Throws S3Error when framing or signature are wrong. */
  decode(piece: Buffer): Buffer[];
  /** The trailers, lower-case names. Throws S3Error when the body is not at its end. */
  finish(): ReadonlyMap<string, string>;
}

const HEAD = /^([0-9a-f]{1,13})(?:;chunk-signature=([0-9a-f]{64}))?$/i;
/** Of a line before a chunk, and of all trailers. */
const LINE_BYTES = 8 * 1024;
const TRAILERS = 32;
const TRAILER_SIGNATURE = 'x-amz-trailer-signature';

export function createChunkDecoder({
  signing,
  trailer,
}: {
  readonly signing: ChunkSigning | null;
  readonly trailer: boolean;
}): ChunkDecoder {
  let state: 'head' | 'data' | 'after data' | 'trailers' | 'done' = 'head';
  let line = '';
  let left = 0;
  let previous = signing?.seed ?? '';
  let chunk: { readonly signature: string; readonly hash: Hash } | null = null;
  const trailers = new Map<string, string>();
  let signedTrailers = '';

  function openChunk(text: string): void {
    const [, size, signature] = HEAD.exec(text) ?? [];
    if (size === undefined || (signing !== null) !== (signature !== undefined))
      throw malformed(`"${text.slice(0, 100)}" is not the head of a chunk`);
    left = Number.parseInt(size, 16);
    if (signature !== undefined) chunk = { signature, hash: createHash('sha256') };
    if (left > 0) state = 'data';
    else {
      closeChunk();
      state = 'trailers';
    }
  }

  function closeChunk(): void {
    if (signing === null || chunk === null) return;
    const digest = chunk.hash.digest('hex');
    assertSigned(
      chunk.signature,
      `AWS4-HMAC-SHA256-PAYLOAD\n${signing.scope}\n${previous}\n${EMPTY_PAYLOAD}\n${digest}`,
    );
    chunk = null;
  }

  function assertSigned(signature: string, text: string): void {
    if (signing !== null && !sameText(signing.sign(text), signature))
      throw new S3Error('SignatureDoesNotMatch');
    previous = signature;
  }

  function takeTrailer(text: string): void {
    if (text === '') {
      // The documentation's own example has an empty line before the signature of the trailers.
      if (signing !== null && trailer && trailers.size > 0 && !trailers.has(TRAILER_SIGNATURE)) return;
      if (signing !== null && trailer) {
        const signature = trailers.get(TRAILER_SIGNATURE) ?? '';
        trailers.delete(TRAILER_SIGNATURE);
        assertSigned(
          signature,
          `AWS4-HMAC-SHA256-TRAILER\n${signing.scope}\n${previous}\n${hash('sha256', signedTrailers)}`,
        );
      }
      state = 'done';
      return;
    }
    const colon = text.indexOf(':');
    const name = text.slice(0, colon).trim().toLowerCase();
    const value = text.slice(colon + 1).trim();
    if (!trailer || colon < 1 || trailers.size >= TRAILERS) throw new S3Error('MalformedTrailerError');
    if (name !== TRAILER_SIGNATURE) signedTrailers += `${name}:${value}\n`;
    trailers.set(name, value);
  }

  /** Takes the line that ends in the piece, and returns where the next one begins. */
  function takeLine(piece: Buffer, at: number): number {
    const end = piece.indexOf(10, at);
    line += piece.toString('latin1', at, end === -1 ? undefined : end);
    if (line.length > LINE_BYTES) throw malformed('a line is too long');
    if (end === -1) return piece.length;
    if (!line.endsWith('\r') && state !== 'trailers') throw malformed('a line does not end with CRLF');
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    line = '';
    if (state === 'head') openChunk(text);
    else if (state === 'trailers') takeTrailer(text);
    else if (text === '') state = 'head';
    else throw malformed('a chunk is longer than it says');
    return end + 1;
  }

  function decode(piece: Buffer): Buffer[] {
    const data: Buffer[] = [];
    for (let at = 0; at < piece.length;) {
      if (state === 'done') {
        if (piece[at] !== 10 && piece[at] !== 13) throw malformed('something follows its end');
        at++;
        continue;
      }
      if (state !== 'data') {
        at = takeLine(piece, at);
        continue;
      }
      const part = piece.subarray(at, at + left);
      chunk?.hash.update(part);
      data.push(part);
      at += part.length;
      left -= part.length;
      if (left > 0) continue;
      closeChunk();
      state = 'after data';
    }
    return data;
  }

  return {
    decode,
    finish() {
      if (state !== 'done') throw new S3Error('IncompleteBody');
      return trailers;
    },
  };
}

function malformed(what: string): S3Error {
  return new S3Error('InvalidRequest', `The aws-chunked framing of the body is broken: ${what}.`);
}
