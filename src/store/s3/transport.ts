/** One HTTP exchange, and what carries it. */

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
  readonly sink?: Sink;
  /** Until the head of this answer has come, from the last of the request that went. */
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
  /** Ends what runs and what waits. */
  close(): void;
}
