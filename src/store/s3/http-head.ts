/** Heads of HTTP/1.1, asked and answered, and how long a body is. https://www.rfc-editor.org/rfc/rfc9112 */

import { validateHeaderValue } from 'node:http';
import { headerText, S3Fault, type Headers } from './fault.js';
import type { Exchange } from './transport.js';

const END = Buffer.from('\r\n\r\n');

export interface Head {
  readonly status: number;
  readonly headers: Headers;
  /** The connection serves another request when this one's body has come. */
  readonly keepsOpen: boolean;
}

/** Where the body begins; -1 while the head has not come in full. */
export function headEnd(bytes: Buffer): number {
  const at = bytes.indexOf(END);
  return at < 0 ? -1 : at + END.length;
}

/** Names in lower case; a name that comes twice has a list. Throws S3Fault for what is no answer of HTTP/1. */
export function parseHead(bytes: Buffer): Head {
  const [first = '', ...lines] = bytes.toString('latin1').split('\r\n');
  const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first) ?? [];
  if (status === undefined) throw notHttp(first);
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (const line of lines) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon < 1) throw notHttp(line);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  const connection = [headers['connection'] ?? ''].flat().join();
  return { status: Number(status), headers, keepsOpen: minor === '1' && !/\bclose\b/i.test(connection) };
}

function notHttp(line: string): S3Fault {
  return new S3Fault(`the answer is not HTTP: ${JSON.stringify(line.slice(0, 60))}`, {
    kind: 'again',
    code: 'NotHttp',
  });
}

/** Bytes of the body; null when its head does not say so in one plain number. */
export function lengthOf(headers: Headers): number | null {
  const length = headerText(headers, 'content-length') ?? '';
  if (headers['transfer-encoding'] !== undefined || !/^\d+$/.test(length)) return null;
  return Number(length);
}

/** A body without the framing of chunks, as far as it has come; `whole` when its last chunk is there. */
export function unchunked(body: Buffer): { readonly bytes: Buffer; readonly whole: boolean } {
  const pieces: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = lineEnd < 0 ? NaN : Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) return { bytes: Buffer.concat(pieces), whole: size === 0 };
    pieces.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

export function isChunked(headers: Headers): boolean {
  return /\bchunked\b/i.test(headerText(headers, 'transfer-encoding') ?? '');
}

/** Header names are ours; values may come from a listing. */
export function requestText(
  { method, path, headers, body }: Pick<Exchange, 'method' | 'path' | 'headers' | 'body'>,
  host: string,
): string {
  let text = `${method} ${path} HTTP/1.1\r\n`;
  if (body !== undefined) text += `content-length: ${body.length}\r\n`;
  if (headers['host'] === undefined) text += `host: ${host}\r\n`;
  for (const name in headers) {
    const value = headers[name] ?? '';
    validateHeaderValue(name, value);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}
