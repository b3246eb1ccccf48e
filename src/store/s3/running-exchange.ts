/** An exchange that is under way on a connection: how far it has come. */

import type { ChunkReader } from './http-body.js';
import type { Head } from './http-head.js';
import type { Answer, Exchange } from './transport.js';

export type Done = (end: End) => void;

export type End =
  | { readonly answer: Answer }
  /** `unanswered`: a connection that was used before has ended without a byte of an answer. */
  | { readonly thrown: unknown; readonly unanswered: boolean };

export interface Running {
  readonly exchange: Exchange;
  readonly done: Done;
  readonly callOff: () => void;
  /** The first byte of the request has gone. */
  begun: boolean;
  /** All of the request has gone. */
  sent: boolean;
  /** A byte of the answer has come. */
  answered: boolean;
  /** What came of a head that is not whole. */
  early: Buffer | undefined;
  head: Head | undefined;
  /** Heads that came before it. */
  interim: number;
  /** Bytes of the body that have not come; Infinity where only its end tells. */
  left: number;
  chunks: ChunkReader | undefined;
  /** A body for no sink, and how many bytes it has. */
  readonly collected: Buffer[];
  size: number;
  /** Promises of the sink that are not kept yet. */
  busy: number;
}

export function begin(facts: Pick<Running, 'exchange' | 'done' | 'callOff'>): Running {
  return {
    exchange: facts.exchange,
    done: facts.done,
    callOff: facts.callOff,
    begun: false,
    sent: false,
    answered: false,
    early: undefined,
    head: undefined,
    interim: 0,
    left: 0,
    chunks: undefined,
    collected: [],
    size: 0,
    busy: 0,
  };
}

export function isWanted({ exchange, head }: Running): boolean {
  return exchange.sink !== undefined && (head?.status === 200 || head?.status === 206);
}

/** The end of the connection is the end of an error's body, and of one that says nothing else of its end. */
export function mayEndHere({ head, left, chunks }: Running): boolean {
  if (head === undefined) return false;
  return head.status > 299 || left === 0 || (left === Infinity && chunks === undefined);
}
