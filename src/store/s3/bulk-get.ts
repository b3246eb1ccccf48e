/**
 * A GET whose body is large, over a connection of its own. Node hands out a stream of fresh buffers of 64 KiB at most;
 * here the kernel fills one reused buffer of a mebibyte, which is what makes a download faster than curl's.
 */

import { validateHeaderName, validateHeaderValue } from 'node:http';
import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { errors } from 'undici';
import { onAbort, rejectWith } from '../on-abort.js';
import { headEnd, lengthOf, parseHead, unchunked } from './http-head.js';
import type { Headers } from './fault.js';
import type { Answer, Exchange, TransportOptions } from './transport.js';

const BUFFER = 1024 * 1024;
/** Heads and the bodies of errors are small. */
const LONGEST_HEAD = 64 * 1024;
const LONGEST_ERROR = 1024 * 1024;

export interface BulkGet {
  /**
   * As `Transport.exchange`, but the sink has a chunk only until it returns. Null for a body without a length, which
   * this does not read: nothing of it was given to the sink.
   */
  get(exchange: Exchange): Promise<Answer | null>;
}

export function createBulkGet(options: TransportOptions): BulkGet {
  // All connections share it: what is in it has been used when the next read begins.
  let buffer: Buffer | undefined;
  return {
    get(exchange) {
      buffer ??= Buffer.allocUnsafeSlow(BUFFER);
      return getOver(buffer, exchange, options);
    },
  };
}

function getOver(buffer: Buffer, exchange: Exchange, options: TransportOptions): Promise<Answer | null> {
  const { signal, sink } = exchange;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      rejectWith(reject, signal.reason);
      return;
    }
    let waitingFor: 'connection' | 'head' | 'body' = 'connection';
    let early: Buffer[] = [];
    let head: { readonly status: number; readonly headers: Headers } | undefined;
    let left = 0;
    let over = false;

    const socket = open(exchange.origin, {
      ca: options.ca,
      onread: {
        buffer,
        callback: count => {
          guard(() => take(buffer.subarray(0, count)));
          return !over;
        },
      },
    });
    const callOff = onAbort(signal, () => fail(signal.reason));

    function end(): void {
      over = true;
      callOff();
      socket.destroy();
    }
    function fail(reason: unknown): void {
      if (over) return;
      end();
      rejectWith(reject, reason);
    }
    function succeed(answer: Answer | null): void {
      if (over) return;
      end();
      resolve(answer);
    }
    function guard(action: () => void): void {
      try {
        if (!over) action();
      } catch (thrown) {
        fail(thrown);
      }
    }

    function take(chunk: Buffer): void {
      if (waitingFor === 'body' && head !== undefined && isWanted(head.status)) {
        give(chunk);
        return;
      }
      early.push(Buffer.from(chunk));
      if (head === undefined) readHead();
      else readError(head);
    }

    function readHead(): void {
      const bytes = early.length === 1 && early[0] !== undefined ? early[0] : Buffer.concat(early);
      const at = headEnd(bytes);
      if (at < 0) {
        if (bytes.length > LONGEST_HEAD) throw new errors.HeadersOverflowError();
        early = [bytes];
        return;
      }
      head = parseHead(bytes.subarray(0, at));
      const rest = bytes.subarray(at);
      early = [];
      // An interim answer: the real one follows.
      if (head.status < 200) {
        head = undefined;
        if (rest.length > 0) {
          early = [rest];
          readHead();
        }
        return;
      }
      waitingFor = 'body';
      socket.setTimeout(options.idleMs);
      if (!isWanted(head.status)) {
        early = [rest];
        readError(head);
        return;
      }
      const length = lengthOf(head.headers);
      if (length === null) {
        succeed(null);
        return;
      }
      left = length;
      sink?.onHead(head.status, head.headers);
      give(rest);
    }

    function give(bytes: Buffer): void {
      const chunk = bytes.length > left ? bytes.subarray(0, left) : bytes;
      left -= chunk.length;
      const busy = chunk.length === 0 ? undefined : sink?.onChunk(chunk);
      if (busy === undefined) {
        if (left === 0 && head !== undefined) succeed({ ...head, body: Buffer.alloc(0) });
        return;
      }
      socket.pause();
      socket.setTimeout(0);
      busy.then(() => {
        if (over) return;
        if (left === 0 && head !== undefined) {
          succeed({ ...head, body: Buffer.alloc(0) });
          return;
        }
        socket.setTimeout(options.idleMs);
        socket.resume();
      }, fail);
    }

    /** Some servers leave the connection open although they were asked to close it. */
    function readError({ headers }: { readonly headers: Headers }): void {
      const size = sizeOf(early);
      if (size > LONGEST_ERROR || size >= (lengthOf(headers) ?? Infinity)) succeedWithError();
    }

    function succeedWithError(): void {
      if (head === undefined) return;
      const body = Buffer.concat(early);
      succeed({ ...head, body: unchunked(head.headers, body) });
    }

    function isWanted(status: number): boolean {
      return sink !== undefined && (status === 200 || status === 206);
    }

    socket.setNoDelay(true);
    socket.setTimeout(options.connectMs);
    socket.once(exchange.origin.startsWith('https:') ? 'secureConnect' : 'connect', () =>
      guard(() => {
        waitingFor = 'head';
        socket.setTimeout(exchange.firstByteMs ?? options.firstByteMs);
        socket.write(requestText(exchange));
      }),
    );
    socket.on('timeout', () => {
      if (waitingFor === 'connection')
        fail(new errors.ConnectTimeoutError(`no answer from ${exchange.origin}`));
      else if (waitingFor === 'head') fail(new errors.HeadersTimeoutError());
      else fail(new errors.BodyTimeoutError());
    });
    socket.on('error', fail);
    socket.on('close', () => {
      // The end of the connection is the end of an error's body, and never that of an object.
      if (head !== undefined && !isWanted(head.status)) guard(succeedWithError);
      else fail(new errors.SocketError('other side closed'));
    });
  });
}

function open(
  origin: string,
  { ca, onread }: { readonly ca: string | undefined; readonly onread: OnReadOpts },
): Socket {
  const { protocol, hostname, port } = new URL(origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'http:') return connectPlain({ host, port: Number(port || 80), onread });
  // Node takes `onread` here too; its types do not say so.
  const secure: ConnectionOptions & { onread: OnReadOpts } = {
    host,
    port: Number(port || 443),
    onread,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  };
  return connectTls(secure);
}

/** One request a connection: what it costs to connect is nothing beside a large body. */
function requestText({ path, headers, origin }: Exchange): string {
  let lines = '';
  for (const [name, value] of Object.entries({
    host: new URL(origin).host,
    ...headers,
    connection: 'close',
  })) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    lines += `${name}: ${value}\r\n`;
  }
  return `GET ${path} HTTP/1.1\r\n${lines}\r\n`;
}

function sizeOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}
