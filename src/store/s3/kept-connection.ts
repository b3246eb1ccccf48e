/**
 * One kept connection: GETs into a sink, PUTs of bytes that are held. Node hands out a stream of fresh buffers of 64 KiB at most;
 * here the kernel fills one reused buffer of a mebibyte, which is what makes large downloads faster than curl's, and small
 * exchanges cheap.
 */

import { errors } from 'undici';
import { onAbort } from '../on-abort.js';
import { headEnd, isChunked, lengthOf, parseHead, requestText, unchunked, type Head } from './http-head.js';
import { openSocket } from './open-socket.js';
import type { Answer, Exchange, TransportOptions } from './transport.js';

/** Heads and bodies for no sink are small. */
const LONGEST_HEAD = 64 * 1024;
const LONGEST_COLLECTED = 1024 * 1024;

const NO_BODY = Buffer.alloc(0);

export interface KeptConnection {
  /**
   * One at a time. `done` is called once, with the answer (null for a sink's body without a length, which this does not read;
   * nothing of it was given to the sink) or with what `Transport.exchange` throws.
   */
  exchange(exchange: Exchange, done: Done): void;
  destroy(): void;
}

export type Done = (end: End) => void;

export type End =
  | { readonly answer: Answer | null }
  /** `unanswered`: a connection that was used before has ended without a byte of an answer. */
  | { readonly thrown: unknown; readonly unanswered: boolean };

export interface KeptConnectionOptions extends TransportOptions {
  /** As `http://127.0.0.1:9000`. */
  readonly origin: string;
  /** Many connections may share it: what is in it has been used when the next read begins. */
  readonly buffer: Buffer;
  /** Calls it soon. */
  readonly soon: (send: () => void) => void;
  /** It serves nothing further. */
  readonly onGone: () => void;
}

interface Running {
  readonly exchange: Exchange;
  readonly done: Done;
  readonly callOff: () => void;
  /** What came of a head that is not whole, or of a body for no sink. */
  early: Buffer[];
  head: Head | undefined;
  /** Bytes of the body that have not come. */
  left: number;
  /** Promises of the sink that are not kept yet. */
  busy: number;
  answered: boolean;
}

export function openConnection(options: KeptConnectionOptions): KeptConnection {
  const { origin, buffer, onGone } = options;
  const { host } = new URL(origin);
  let connected = false;
  let uses = 0;
  let gone = false;
  let limit = options.connectMs;
  let running: Running | undefined;

  const socket = openSocket(origin, {
    ca: options.ca,
    onread: {
      buffer,
      callback: count => {
        take(buffer.subarray(0, count));
        return true;
      },
    },
  });
  socket.setNoDelay(true);
  socket.setTimeout(limit);
  socket.once(origin.startsWith('https:') ? 'secureConnect' : 'connect', () => {
    connected = true;
    if (running !== undefined) send(running.exchange);
  });
  socket.on('timeout', () => fail(timedOut()));
  socket.on('error', lose);
  socket.on('close', () => {
    // The end of the connection is the end of an error's body, and never that of an object.
    if (running?.head !== undefined && !isWanted(running)) endCollected(running);
    lose(new errors.SocketError('other side closed'));
  });

  function timedOut(): Error {
    if (!connected) return new errors.ConnectTimeoutError(`no answer from ${origin}`);
    return running?.head === undefined ? new errors.HeadersTimeoutError() : new errors.BodyTimeoutError();
  }

  /** A new limit costs a timer; mostly it is the one that is there. */
  function waitAtMost(milliseconds: number): void {
    if (milliseconds === limit) return;
    limit = milliseconds;
    socket.setTimeout(milliseconds);
  }

  function destroy(): void {
    if (gone) return;
    gone = true;
    socket.destroy();
    onGone();
  }

  function fail(thrown: unknown): void {
    destroy();
    finish({ thrown, unanswered: false });
  }

  function lose(thrown: unknown): void {
    destroy();
    finish({ thrown, unanswered: uses > 1 && running?.answered === false });
  }

  function finish(end: End): void {
    const ended = running;
    if (ended === undefined) return;
    running = undefined;
    ended.callOff();
    if (!gone) socket.unref();
    ended.done(end);
  }

  function send(exchange: Exchange): void {
    waitAtMost(exchange.firstByteMs ?? options.firstByteMs);
    try {
      socket.cork();
      socket.write(requestText(exchange, host), 'latin1');
      if (exchange.body !== undefined && exchange.body.length > 0) socket.write(exchange.body);
      socket.uncork();
    } catch (thrown) {
      fail(thrown);
    }
  }

  function take(chunk: Buffer): void {
    if (running === undefined) {
      // Nobody asked for it.
      destroy();
      return;
    }
    running.answered = true;
    try {
      if (running.head === undefined) readHead(running, chunk);
      else if (isWanted(running)) give(running, chunk);
      else collect(running, chunk);
    } catch (thrown) {
      fail(thrown);
    }
  }

  function readHead(now: Running, chunk: Buffer): void {
    const bytes = now.early.length === 0 ? chunk : Buffer.concat([...now.early, chunk]);
    const at = headEnd(bytes);
    if (at < 0) {
      if (bytes.length > LONGEST_HEAD) throw new errors.HeadersOverflowError();
      now.early = [Buffer.from(bytes)];
      return;
    }
    const head = parseHead(bytes.subarray(0, at));
    const rest = bytes.subarray(at);
    now.early = [];
    if (head.status < 200) {
      // An interim answer: the real one follows.
      if (rest.length > 0) readHead(now, rest);
      return;
    }
    now.head = head;
    waitAtMost(options.idleMs);
    if (!isWanted(now)) {
      collect(now, rest);
      return;
    }
    const length = lengthOf(head.headers);
    if (length === null) {
      destroy();
      finish({ answer: null });
      return;
    }
    now.left = length;
    now.exchange.sink?.onHead(head.status, head.headers);
    give(now, rest);
  }

  function give(now: Running, bytes: Buffer): void {
    // More than was announced: what follows cannot be trusted.
    if (bytes.length > now.left) destroy();
    const chunk = bytes.length > now.left ? bytes.subarray(0, now.left) : bytes;
    now.left -= chunk.length;
    const busy = chunk.length === 0 ? undefined : now.exchange.sink?.onChunk(chunk);
    if (busy !== undefined) waitFor(now, busy);
    else if (now.left === 0 && now.busy === 0) succeed(now);
  }

  function waitFor(now: Running, busy: Promise<void>): void {
    now.busy += 1;
    if (!gone) socket.pause();
    waitAtMost(0);
    busy.then(
      () => {
        now.busy -= 1;
        if (running !== now || now.busy > 0) return;
        if (!gone) {
          waitAtMost(options.idleMs);
          socket.resume();
        }
        if (now.left === 0) succeed(now);
      },
      (thrown: unknown) => {
        if (running === now) fail(thrown);
      },
    );
  }

  function succeed({ head }: Running): void {
    if (head === undefined) return;
    if (!head.keepsOpen) destroy();
    finish({ answer: { status: head.status, headers: head.headers, body: NO_BODY } });
  }

  function collect(now: Running, chunk: Buffer): void {
    now.early.push(Buffer.from(chunk));
    const size = now.early.reduce((sum, one) => sum + one.length, 0);
    const { headers } = now.head ?? {};
    if (headers === undefined) return;
    const whole = isChunked(headers)
      ? unchunked(Buffer.concat(now.early)).whole
      : size >= (lengthOf(headers) ?? Infinity);
    if (whole || size > LONGEST_COLLECTED) endCollected(now);
  }

  /** Errors are rare enough for each to end its connection. */
  function endCollected({ head, early }: Running): void {
    if (head === undefined) return;
    const body = Buffer.concat(early);
    if (head.status > 299 || !head.keepsOpen || body.length !== lengthOf(head.headers)) destroy();
    finish({
      answer: {
        status: head.status,
        headers: head.headers,
        body: isChunked(head.headers) ? unchunked(body).bytes : body,
      },
    });
  }

  return {
    exchange(exchange, done) {
      const callOff = onAbort(exchange.signal, () => fail(exchange.signal.reason));
      running = { exchange, done, callOff, early: [], head: undefined, left: 0, busy: 0, answered: false };
      uses += 1;
      if (gone) lose(new errors.SocketError('other side closed'));
      else if (connected) {
        socket.ref();
        const now = running;
        options.soon(() => {
          if (running === now && !gone) send(exchange);
        });
      }
    },
    destroy() {
      fail(new errors.ClientDestroyedError());
    },
  };
}

function isWanted({ exchange, head }: Running): boolean {
  return exchange.sink !== undefined && (head?.status === 200 || head?.status === 206);
}
