/**
 * One kept connection. Node hands out a stream of fresh buffers of 64 KiB at most; here the kernel fills one reused buffer of two
 * mebibytes, which is what makes large downloads faster than curl's, and small exchanges cheap.
 */

import { OptmlError } from '../../errors.js';
import { onAbort } from '../on-abort.js';
import { S3Fault, type FaultKind } from './fault.js';
import { createChunkReader, framingOf } from './http-body.js';
import { headEnd, parseHead } from './http-head.js';
import { openSocket } from './open-socket.js';
import { sendRequest, type Sending } from './send-request.js';
import { begin, isWanted, mayEndHere, type Done, type End, type Running } from './running-exchange.js';
import type { Exchange, TransportOptions } from './transport.js';

const LONGEST_HEAD = 64 * 1024;
/** A page of a listing has a thousand keys, of three kibibytes each when every byte of them is escaped. */
const LONGEST_COLLECTED = 64 * 1024 * 1024;

const KEEP_ALIVE_MS = 60_000;

/** Answers before the answer, as `100 Continue`. */
const MOST_INTERIM = 100;

const NO_BODY = Buffer.alloc(0);

export interface KeptConnection {
  /** One at a time. `done` is called once, with the answer or with what `Transport.exchange` throws. */
  exchange(exchange: Exchange, done: Done): void;
  destroy(): void;
}

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

export function openConnection(options: KeptConnectionOptions): KeptConnection {
  const { origin, buffer, onGone } = options;
  let connected = false;
  let uses = 0;
  let gone = false;
  let limit = options.connectMs;
  let running: Running | undefined;

  const sending: Sending = {
    host: new URL(origin).host,
    isWanted: exchange => running?.exchange === exchange,
    onSent() {
      if (running !== undefined) running.sent = true;
    },
  };

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
  // A completion may be silent for longer than what lies between remembers a connection.
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setTimeout(limit);
  socket.once(origin.startsWith('https:') ? 'secureConnect' : 'connect', () => {
    connected = true;
    send();
  });
  socket.on('timeout', () => {
    // The time of an idle connection may be over just when something is asked, before any of it has gone.
    if (connected && running?.begun === false) lose(ended());
    else fail(timedOut());
  });
  socket.on('error', lose);
  socket.on('close', () => {
    destroy();
    if (running !== undefined && mayEndHere(running)) {
      running.left = 0;
      succeedIfWhole(running);
    } else lose(ended());
  });

  function timedOut(): S3Fault {
    if (!connected) return fault('unreachable', 'ConnectTimeout', `no answer from ${origin}`);
    return running?.head === undefined
      ? fault('again', 'AnswerTimeout', 'the answer did not begin in time')
      : fault('again', 'BodyTimeout', 'the answer stood still');
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
    const now = running;
    if (now === undefined) return;
    running = undefined;
    now.callOff();
    if (!gone) socket.unref();
    now.done(end);
  }

  function send(): void {
    if (running === undefined || gone) return;
    const { exchange } = running;
    running.begun = true;
    waitAtMost(exchange.firstByteMs ?? options.firstByteMs);
    try {
      sendRequest(socket, exchange, sending);
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
    if (!running.begun) {
      // Of an answer that nobody asked for, before this one is asked.
      lose(ended());
      return;
    }
    running.answered = true;
    try {
      if (running.head === undefined) readHead(running, chunk);
      else give(running, chunk);
    } catch (thrown) {
      fail(thrown);
    }
  }

  function readHead(now: Running, chunk: Buffer): void {
    const bytes = now.early === undefined ? chunk : Buffer.concat([now.early, chunk]);
    const at = headEnd(bytes);
    if (at < 0) {
      if (bytes.length > LONGEST_HEAD)
        throw fault('again', 'HeadTooLong', 'the head of the answer has no end');
      now.early = Buffer.from(bytes);
      return;
    }
    const head = parseHead(bytes.subarray(0, at));
    const rest = bytes.subarray(at);
    now.early = undefined;
    if (head.status < 200) {
      // The real one follows.
      now.interim += 1;
      if (now.interim > MOST_INTERIM) throw fault('again', 'NotHttp', 'there is no end of interim answers');
      if (rest.length > 0) readHead(now, rest);
      return;
    }
    waitAtMost(options.idleMs);
    const framing = framingOf(now.exchange.method, head.status, head.headers);
    now.left = framing.kind === 'length' ? framing.bytes : Infinity;
    if (framing.kind === 'chunks') now.chunks = createChunkReader();
    now.head = head;
    if (isWanted(now)) now.exchange.sink?.onHead(head.status, head.headers);
    give(now, rest);
  }

  function give(now: Running, bytes: Buffer): void {
    // More than was announced: what follows cannot be trusted.
    if (now.chunks === undefined) {
      if (bytes.length > now.left) destroy();
      const piece = bytes.length > now.left ? bytes.subarray(0, now.left) : bytes;
      now.left -= piece.length;
      deliver(now, piece);
    } else {
      for (const piece of now.chunks.read(bytes)) deliver(now, piece);
      if (now.chunks.excess) destroy();
      if (now.chunks.whole) now.left = 0;
    }
    succeedIfWhole(now);
  }

  function deliver(now: Running, piece: Buffer): void {
    if (piece.length === 0 || running !== now) return;
    if (!isWanted(now)) {
      collect(now, piece);
      return;
    }
    const busy = now.exchange.sink?.onChunk(piece);
    if (busy !== undefined) waitFor(now, busy);
  }

  function collect(now: Running, piece: Buffer): void {
    now.size += piece.length;
    if (now.size > LONGEST_COLLECTED) throw fault('final', 'AnswerTooLong', 'the answer has no end');
    now.collected.push(Buffer.from(piece));
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
        succeedIfWhole(now);
      },
      (thrown: unknown) => {
        if (running === now) fail(thrown);
      },
    );
  }

  function succeedIfWhole(now: Running): void {
    const { head, collected } = now;
    if (head === undefined || now.left > 0 || now.busy > 0 || running !== now) return;
    // Errors are rare enough for each to end its connection.
    if (!head.keepsOpen || head.status > 299 || !now.sent) destroy();
    const body = collected.length === 0 ? NO_BODY : Buffer.concat(collected);
    finish({ answer: { status: head.status, headers: head.headers, body } });
  }

  return {
    exchange(exchange, done) {
      const callOff = onAbort(exchange.signal, () => fail(exchange.signal.reason));
      running = begin({ exchange, done, callOff });
      uses += 1;
      if (gone) lose(ended());
      else if (connected) {
        socket.ref();
        options.soon(send);
      }
    },
    destroy() {
      fail(new OptmlError('INTERNAL', 'The store was closed while it was in use.'));
    },
  };
}

function ended(): S3Fault {
  return fault('again', 'ConnectionEnded', 'other side closed');
}

function fault(kind: FaultKind, code: string, message: string): S3Fault {
  return new S3Fault(message, { kind, code });
}
