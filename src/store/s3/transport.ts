/** One HTTP exchange over a pool of kept connections, with a limit on every wait. */

import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { onAbort, rejectWith } from '../on-abort.js';
import { createConnectionPool } from './connection-pool.js';
import type { Headers } from './fault.js';

export interface TransportOptions {
  /** Connections to one host. */
  readonly connections: number;
  readonly connectMs: number;
  /** Until the head of the answer has come. */
  readonly firstByteMs: number;
  /** Between two pieces of the answer. */
  readonly idleMs: number;
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string;
}

/** Takes the body of a 200 or 206; every other body is collected. */
export interface Sink {
  /** Throws to refuse the answer; the connection is then cut. */
  onHead(status: number, headers: Headers): void;
  /** Has the chunk until it returns; a promise when it wants nothing more until then (a little may come all the same). */
  onChunk(chunk: Buffer): Promise<void> | undefined;
}

export interface Exchange {
  /** As `http://127.0.0.1:9000`. */
  readonly origin: string;
  /** With its query, encoded. */
  readonly path: string;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Of a GET. */
  readonly sink?: Sink;
  readonly firstByteMs?: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Empty when a sink took it. */
  readonly body: Buffer;
}

export interface Transport {
  /** Throws the reason of the signal, what the sink throws, or the network's error. */
  exchange(exchange: Exchange): Promise<Answer>;
  close(): Promise<void>;
}

/** A body goes out in slices: the limit on the first byte then counts from the last slice that went. */
const SLICE = 256 * 1024;

export function createTransport(options: TransportOptions): Transport {
  const agent = new Agent({
    connections: options.connections,
    pipelining: 1,
    headersTimeout: options.firstByteMs,
    bodyTimeout: options.idleMs,
    connect: { timeout: options.connectMs, ...(options.ca === undefined ? {} : { ca: options.ca }) },
  });
  const pool = createConnectionPool(options);
  return {
    exchange: async exchange =>
      (isFrequent(exchange) ? await pool.exchange(exchange) : null) ?? (await dispatch(agent, exchange)),
    close() {
      pool.close();
      return agent.destroy();
    },
  };
}

/** Objects that are read, and small ones that are written. */
function isFrequent({ method, sink, body }: Exchange): boolean {
  return method === 'GET'
    ? sink !== undefined
    : method === 'PUT' && body !== undefined && body.length <= SLICE;
}

function dispatch(agent: Agent, exchange: Exchange): Promise<Answer> {
  const { origin, path, method, headers, body, sink, firstByteMs, signal } = exchange;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      rejectWith(reject, signal.reason);
      return;
    }
    let cut: (reason: Error) => void = () => undefined;
    const callOff = onAbort(signal, () => {
      fail(signal.reason);
      cut(new Error('aborted'));
    });
    function fail(reason: unknown): void {
      callOff();
      rejectWith(reject, reason);
    }
    const handler = createHandler({
      sink,
      succeed: answer => {
        callOff();
        resolve(answer);
      },
      fail,
      onCut: how => (cut = how),
      isAborted: () => signal.aborted,
    });
    agent.dispatch(
      {
        origin,
        path,
        method,
        headers: body === undefined ? headers : { ...headers, 'content-length': String(body.length) },
        body: body === undefined ? null : body.length <= SLICE ? body : Readable.from(slices(body)),
        ...(firstByteMs === undefined ? {} : { headersTimeout: firstByteMs }),
      },
      handler,
    );
  });
}

function* slices(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += SLICE) yield body.subarray(at, at + SLICE);
}

interface HandlerOptions {
  readonly sink: Sink | undefined;
  readonly succeed: (answer: Answer) => void;
  readonly fail: (reason: unknown) => void;
  /** Tells how the exchange can be cut from now on. */
  readonly onCut: (how: (reason: Error) => void) => void;
  readonly isAborted: () => boolean;
}

function createHandler({
  sink,
  succeed,
  fail,
  onCut,
  isAborted,
}: HandlerOptions): Dispatcher.DispatchHandler {
  let status = 0;
  let headers: Headers = {};
  let streaming = false;
  let pending: Promise<void> | undefined;
  const chunks: Buffer[] = [];

  function give(controller: Dispatcher.DispatchController, action: () => void): void {
    try {
      action();
    } catch (thrown) {
      fail(thrown);
      controller.abort(new Error('refused'));
    }
  }

  return {
    onRequestStart(controller) {
      onCut(reason => controller.abort(reason));
      if (isAborted()) controller.abort(new Error('aborted'));
    },
    onResponseStart(controller, statusCode, head) {
      status = statusCode;
      headers = head;
      streaming = sink !== undefined && (status === 200 || status === 206);
      if (streaming) give(controller, () => sink?.onHead(status, headers));
    },
    onResponseData(controller, chunk) {
      if (!streaming) {
        chunks.push(chunk);
        return;
      }
      give(controller, () => {
        const busy = sink?.onChunk(chunk);
        if (busy === undefined) return;
        controller.pause();
        pending = busy.then(
          () => controller.resume(),
          (thrown: unknown) => {
            fail(thrown);
            controller.abort(new Error('refused'));
          },
        );
      });
    },
    onResponseEnd() {
      const end = (): void => succeed({ status, headers, body: Buffer.concat(chunks) });
      if (pending === undefined) end();
      else void pending.then(end);
    },
    onResponseError(_controller, error) {
      fail(error);
    },
  };
}
