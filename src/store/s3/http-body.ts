/** Bodies of HTTP/1.1 answers: where one ends, and the framing of chunks. https://www.rfc-editor.org/rfc/rfc9112#section-6 */

import { S3Fault, type Headers } from './fault.js';

/** How the end of a body is known. */
export type Framing =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunks' }
  /** The connection ends with it. */
  | { readonly kind: 'end' };

/** Throws S3Fault for a length that is none. */
export function framingOf(method: string, status: number, headers: Headers): Framing {
  if (method === 'HEAD' || status === 204 || status === 304) return { kind: 'length', bytes: 0 };
  const coding = [headers['transfer-encoding'] ?? []].flat().join(', ');
  if (coding !== '') return { kind: /\bchunked\s*$/i.test(coding) ? 'chunks' : 'end' };
  const length = headers['content-length'];
  if (length === undefined) return { kind: 'end' };
  if (typeof length !== 'string' || !/^\d+$/.test(length)) throw damaged(`a length of "${String(length)}"`);
  return { kind: 'length', bytes: Number(length) };
}

export interface ChunkReader {
  /** The bytes of the body in what has come. Throws S3Fault where no chunk stands. */
  read(bytes: Buffer): readonly Buffer[];
  /** Its last chunk is there. */
  readonly whole: boolean;
  /** More has come than the body. */
  readonly excess: boolean;
}

/** Of a size, an extension or a trailer. */
const LONGEST_LINE = 16 * 1024;

const LF = 0x0a;

export function createChunkReader(): ChunkReader {
  /** What stands next; every line but the bytes of a chunk. */
  let next: 'size' | 'bytes' | 'end of chunk' | 'trailer' | 'nothing' = 'size';
  let line = '';
  let left = 0;
  let excess = false;

  function readLine(text: string): void {
    if (next === 'size') {
      const size = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(text)?.[1];
      if (size === undefined) throw damaged(`a chunk of the size "${text.slice(0, 40)}"`);
      left = Number.parseInt(size, 16);
      next = left === 0 ? 'trailer' : 'bytes';
    } else if (next === 'end of chunk') {
      if (text !== '') throw damaged('a chunk that is longer than it says');
      next = 'size';
    } else if (text === '') next = 'nothing';
  }

  return {
    read(bytes) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length;) {
        if (next === 'nothing') {
          excess = true;
          break;
        }
        if (next === 'bytes') {
          const piece = bytes.subarray(at, at + left);
          pieces.push(piece);
          at += piece.length;
          left -= piece.length;
          if (left === 0) next = 'end of chunk';
          continue;
        }
        const end = bytes.indexOf(LF, at);
        line += bytes.toString('latin1', at, end < 0 ? bytes.length : end);
        if (line.length > LONGEST_LINE) throw damaged('a line without an end');
        if (end < 0) break;
        at = end + 1;
        readLine(line.replace(/\r$/, ''));
        line = '';
      }
      return pieces;
    },
    get whole() {
      return next === 'nothing';
    },
    get excess() {
      return excess;
    },
  };
}

function damaged(what: string): S3Fault {
  return new S3Fault(`the answer has ${what}`, { kind: 'again', code: 'NotHttp' });
}
