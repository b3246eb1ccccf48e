/** What is not even HTTP, or takes too long to become it, gets an S3 error, too, and the connection ends. */

import type { Duplex } from 'node:stream';
import { systemCode } from '../../errors.js';
import { S3Error, type S3ErrorCode } from './s3-error.js';
import { element, errorDocument } from './write-xml.js';

const CODES: Readonly<Record<string, S3ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'RequestHeaderSectionTooLarge',
  ERR_HTTP_REQUEST_TIMEOUT: 'RequestTimeout',
};

/** For the event `clientError` of a node:http server. */
export function answerBadHttp(thrown: Error, socket: Duplex): void {
  if (systemCode(thrown) === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { code, status, message } = new S3Error(CODES[systemCode(thrown) ?? ''] ?? 'BadRequest');
  const body = errorDocument([element('Code', code), element('Message', message)]);
  const head = [
    `HTTP/1.1 ${status} ${code}`,
    'Content-Type: application/xml',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
