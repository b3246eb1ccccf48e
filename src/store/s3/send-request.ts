/** A request onto its socket: the head, and a body that is held. */

import type { Socket } from 'node:net';
import { S3Fault } from './fault.js';
import type { Exchange } from './transport.js';

/** A body goes out in slices: the limit on the first byte then counts from the last slice that went. */
const SLICE = 256 * 1024;

export interface Sending {
  /** For requests without a header of that name. */
  readonly host: string;
  readonly isWanted: (exchange: Exchange) => boolean;
  /** All of the request has gone. */
  readonly onSent: () => void;
}

/**
 * Sends head and body as long as that is wanted. Between two slices the loop turns, so that an answer that comes early is read
 * before the end of its connection is noticed. Throws S3Fault for a value that is no header's.
 */
export function sendRequest(socket: Socket, exchange: Exchange, sending: Sending): void {
  const { body } = exchange;
  const head = requestText(exchange, sending.host);
  if (body === undefined || body.length === 0) {
    socket.write(head, 'latin1');
    sending.onSent();
    return;
  }
  socket.cork();
  socket.write(head, 'latin1');
  sendSlice(0);
  socket.uncork();

  function sendSlice(start: number): void {
    if (body === undefined || !sending.isWanted(exchange)) return;
    const end = start + SLICE;
    if (end >= body.length) {
      socket.write(start === 0 ? body : body.subarray(start));
      sending.onSent();
      return;
    }
    socket.write(body.subarray(start, end), failed => {
      if (!(failed instanceof Error)) setImmediate(sendSlice, end);
    });
  }
}

/** What no header may hold: https://www.rfc-editor.org/rfc/rfc9110#section-5.5 */
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** Header names are ours; values may come from a listing. */
function requestText({ method, path, headers, body }: Exchange, host: string): string {
  let text = `${method} ${path} HTTP/1.1\r\n`;
  if (body !== undefined || method === 'POST') text += `content-length: ${body?.length ?? 0}\r\n`;
  if (headers['host'] === undefined) text += `host: ${host}\r\n`;
  for (const name in headers) {
    const value = headers[name] ?? '';
    if (NO_VALUE.test(value))
      throw new S3Fault(`the header ${name} has a character that no header may have`, {
        kind: 'final',
        code: 'BadHeader',
      });
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}
