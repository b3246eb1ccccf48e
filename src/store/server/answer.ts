/** What is sent back, as data; and the sending. */

import { closeSync, createReadStream } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Bytes of an open file; the descriptor is closed by whoever sends them. */
export interface FilePiece {
  readonly descriptor: number;
  readonly start: number;
  readonly length: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream comes with its length among the headers, or without one. */
  readonly body?: string | Buffer | FilePiece | Readable;
  /** Of the body that a HEAD request does not get. */
  readonly length?: number;
}

export function xmlAnswer(body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body };
}

/** Bytes that are read from a file in one call. */
const PIECE = 1024 * 1024;

/** Sends the answer; returns when all of it has been handed on, also when the client has gone away meanwhile. */
export async function send(
  response: ServerResponse,
  {
    answer,
    common,
    idleMs,
  }: { readonly answer: Answer; readonly common: Readonly<Record<string, string>>; readonly idleMs: number },
): Promise<void> {
  const { status, headers, body } = answer;
  // One object that grows: merging several by spreading them costs as much as looking a file up.
  const head: Record<string, string> = { ...common };
  Object.assign(head, headers);
  if (body instanceof Readable) {
    response.writeHead(status, head);
    await sendStream(response, body, idleMs);
    return;
  }
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  // 204 and 304 have neither a body nor its length.
  if (status !== 204 && status !== 304) head['content-length'] = String(bytes?.length ?? answer.length ?? 0);
  response.writeHead(status, head);
  if (bytes === undefined || Buffer.isBuffer(bytes)) response.end(bytes);
  else await sendFile(response, bytes, idleMs);
}

async function sendFile(response: ServerResponse, piece: FilePiece, idleMs: number): Promise<void> {
  if (piece.length === 0) {
    closeSync(piece.descriptor);
    response.end();
    return;
  }
  const stream = createReadStream('', {
    fd: piece.descriptor,
    start: piece.start,
    end: piece.start + piece.length - 1,
    highWaterMark: Math.min(PIECE, piece.length),
  });
  await sendStream(response, stream, idleMs);
}

async function sendStream(response: ServerResponse, stream: Readable, idleMs: number): Promise<void> {
  // A client that takes nothing keeps it open no longer than this.
  const stalled = (): void => void response.destroy();
  response.setTimeout(idleMs, stalled);
  try {
    await pipeline(stream, response);
  } catch {
    // Whatever happened, half a body was sent: only the end of the connection can say so.
    response.destroy();
  } finally {
    response.off('timeout', stalled);
  }
}

/** Closes what an answer holds open when it is not sent. */
export function dropAnswer({ body }: Answer): void {
  if (typeof body !== 'object' || Buffer.isBuffer(body)) return;
  if (body instanceof Readable) body.destroy();
  else closeSync(body.descriptor);
}
