/** Heads of HTTP/1.1 answers. https://www.rfc-editor.org/rfc/rfc9112 */

import { S3Fault, type Headers } from './fault.js';

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

const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: |$)/;

/** Names in lower case; a name that comes twice has a list. Throws S3Fault for what is no answer of HTTP/1. */
export function parseHead(bytes: Buffer): Head {
  const text = bytes.toString('latin1');
  let end = text.indexOf('\r\n');
  const [, minor, status] = STATUS_LINE.exec(text.slice(0, end)) ?? [];
  if (status === undefined) throw notHttp(text.slice(0, end));
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  // The last line is empty.
  for (let start = end + 2; start < text.length - 2; start = end + 2) {
    end = text.indexOf('\r\n', start);
    const colon = text.indexOf(':', start);
    if (colon <= start || colon > end) throw notHttp(text.slice(start, end));
    const name = text.slice(start, colon).toLowerCase();
    const value = text.slice(colon + 1, end).trim();
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  const connection = String(headers['connection'] ?? '');
  return { status: Number(status), headers, keepsOpen: minor === '1' && !/\bclose\b/i.test(connection) };
}

function notHttp(line: string): S3Fault {
  return new S3Fault(`the answer is not HTTP: ${JSON.stringify(line.slice(0, 60))}`, {
    kind: 'again',
    code: 'NotHttp',
  });
}
