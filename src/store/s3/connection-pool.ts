/** Exchanges over kept connections, as many to a host as are wanted at once, up to a limit. */

import { OptmlError } from '../../errors.js';
import { onAbort, rejectWith } from '../on-abort.js';
import { openConnection, type KeptConnection } from './kept-connection.js';
import type { Done } from './running-exchange.js';
import type { Exchange, Transport, TransportOptions } from './transport.js';

/** What one read may bring: in twice a mebibyte, a large object comes a tenth faster than in one; in more, no faster. */
const BUFFER = 2 * 1024 * 1024;

interface Host {
  /** All that are open. */
  readonly connections: Set<KeptConnection>;
  /** Those of them that serve nothing now; the last one used comes first. */
  readonly idle: KeptConnection[];
  /** Who waits for a connection. */
  readonly waiting: Set<() => void>;
}

export function createConnectionPool(options: TransportOptions): Transport {
  const hosts = new Map<string, Host>();
  let shared: Buffer | undefined;
  let closed = false;
  let sends: (() => void)[] = [];
  /** What is asked in one turn of the loop goes out together: a server that has fallen asleep is woken once for all of it. */
  const soon = (send: () => void): void => {
    if (sends.length === 0) setImmediate(sendAll);
    sends.push(send);
  };

  function sendAll(): void {
    const all = sends;
    sends = [];
    for (const send of all) send();
  }

  function hostOf(origin: string): Host {
    const known = hosts.get(origin);
    if (known !== undefined) return known;
    const host: Host = { connections: new Set(), idle: [], waiting: new Set() };
    hosts.set(origin, host);
    return host;
  }

  function connect(origin: string, host: Host): KeptConnection {
    shared ??= Buffer.allocUnsafeSlow(BUFFER);
    const connection = openConnection({
      ...options,
      origin,
      buffer: shared,
      soon,
      onGone() {
        host.connections.delete(connection);
        const at = host.idle.indexOf(connection);
        if (at >= 0) host.idle.splice(at, 1);
        callNext(host);
      },
    });
    host.connections.add(connection);
    return connection;
  }

  function callNext({ waiting }: Host): void {
    const [next] = waiting;
    if (next === undefined) return;
    waiting.delete(next);
    next();
  }

  /** `fresh`: not over a connection that was used before. */
  function exchangeOver(
    host: Host,
    { exchange, fresh, done }: { readonly exchange: Exchange; readonly fresh: boolean; readonly done: Done },
  ): void {
    const { origin, signal } = exchange;
    if (closed) {
      done({ thrown: new OptmlError('INTERNAL', 'The store is closed.'), unanswered: false });
      return;
    }
    // What is called off with another exchange may be called next by its end.
    if (signal.aborted) {
      done({ thrown: signal.reason, unanswered: false });
      callNext(host);
      return;
    }
    const kept = fresh ? undefined : host.idle.pop();
    if (kept === undefined && host.connections.size >= options.connections) {
      const next = (): void => {
        callOff();
        // One that has just become free is as good as a new one.
        exchangeOver(host, { exchange, fresh: false, done });
      };
      const callOff = onAbort(signal, () => {
        host.waiting.delete(next);
        done({ thrown: signal.reason, unanswered: false });
      });
      host.waiting.add(next);
      return;
    }
    const connection = kept ?? connect(origin, host);
    connection.exchange(exchange, end => {
      if (host.connections.has(connection)) {
        host.idle.push(connection);
        callNext(host);
      }
      // The server gave up a connection that had lain idle. (It may have done what was asked; a POST done twice is another thing.)
      if ('thrown' in end && end.unanswered && exchange.method !== 'POST')
        exchangeOver(host, { exchange, fresh: true, done });
      else done(end);
    });
  }

  return {
    exchange(exchange) {
      return new Promise((resolve, reject) => {
        if (exchange.signal.aborted) rejectWith(reject, exchange.signal.reason);
        else
          exchangeOver(hostOf(exchange.origin), {
            exchange,
            fresh: false,
            done(end) {
              if ('answer' in end) resolve(end.answer);
              else rejectWith(reject, end.thrown);
            },
          });
      });
    },
    close() {
      closed = true;
      for (const host of hosts.values()) {
        for (const connection of [...host.connections]) connection.destroy();
        while (host.waiting.size > 0) callNext(host);
      }
    },
  };
}
