/** The HTTP part of an S3 server: connections, limits, ids, errors. What a request asks for is answered by somebody else. */

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dropAnswer, send, type Answer } from './answer.js';
import { answerBadHttp } from './bad-http.js';
import { errorAnswer } from './error-answer.js';
import { httpOptions, LIMITS, type S3ServerLimits } from './http-options.js';
import { asS3Error, ClientGone } from './s3-error.js';

export interface HttpShellOptions {
  /**
   * The answer to one request; throws S3Error. `proceed` is called before the body is read: only then does a client that
   * waits for `100 Continue` send it.
   */
  readonly answerTo: (message: IncomingMessage, proceed: () => void) => Promise<Answer>;
  /** Answers what is not S3's, and says that it has. */
  readonly answersFirst?: ((message: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  readonly limits?: Partial<S3ServerLimits> | undefined;
  /** Told of faults of the server itself; clients read `InternalError`. */
  readonly onFault?: ((fault: unknown) => void) | undefined;
}

export interface HttpShell {
  /** Answers one request, for a server that somebody else listens with. */
  readonly handle: (message: IncomingMessage, response: ServerResponse) => void;
  /** The same for requests that wait for `100 Continue`: the listener of `checkContinue`. */
  readonly handleExpecting: (message: IncomingMessage, response: ServerResponse) => void;
  /** Listens, and says where. */
  listen(host: string, port: number): Promise<AddressInfo>;
  /** Ends all connections, and waits for what was begun to be undone. */
  close(): Promise<void>;
}

export function createHttpShell({ answerTo, answersFirst, limits, onFault }: HttpShellOptions): HttpShell {
  const bounds = { ...LIMITS, ...limits };
  const { idleMs } = bounds;
  const running = new Set<Promise<void>>();
  const servers = new Set<Server>();
  const nextId = createRequestIds();

  async function serve(
    message: IncomingMessage,
    response: ServerResponse,
    proceed: () => void,
  ): Promise<void> {
    const id = nextId();
    let answer: Answer;
    try {
      answer = await answerTo(message, proceed);
    } catch (thrown) {
      if (thrown instanceof ClientGone) return;
      const error = asS3Error(thrown);
      if (error.code === 'InternalError') onFault?.(error.cause ?? error);
      answer = errorAnswer(error, { id, message });
    }
    if (response.destroyed) {
      dropAnswer(answer);
      return;
    }
    const common = { 'x-amz-request-id': id, 'x-amz-id-2': id, server: 'optml' };
    await send(response, { answer, common, idleMs });
    limitRest(message, idleMs);
  }

  function start(message: IncomingMessage, response: ServerResponse, proceed: () => void): void {
    response.on('error', () => undefined);
    if (answersFirst?.(message, response) === true) return;
    const work = serve(message, response, proceed)
      .catch((thrown: unknown) => {
        onFault?.(thrown);
        response.destroy();
      })
      .finally(() => running.delete(work));
    running.add(work);
  }

  function handle(message: IncomingMessage, response: ServerResponse): void {
    start(message, response, () => undefined);
  }

  function handleExpecting(message: IncomingMessage, response: ServerResponse): void {
    start(message, response, () => response.writeContinue());
  }

  async function listen(host: string, port: number): Promise<AddressInfo> {
    const server = createServer(httpOptions(bounds));
    server.on('request', handle).on('checkContinue', handleExpecting).on('checkExpectation', handle);
    server.on('clientError', answerBadHttp);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    servers.add(server);
    return server.address() as AddressInfo;
  }

  async function close(): Promise<void> {
    const closing = [...servers].map(server => new Promise(resolve => server.close(resolve)));
    for (const server of servers) server.closeAllConnections();
    servers.clear();
    await Promise.all(closing);
    await Promise.allSettled(running);
  }

  return { handle, handleExpecting, listen, close };
}

/** Of a body that nobody wanted, so much is taken, lest the client miss the answer while it sends. */
const UNWANTED_BYTES = 8 * 1024 * 1024;

function limitRest(message: IncomingMessage, idleMs: number): void {
  if (message.complete || message.destroyed) return;
  const { socket } = message;
  const timer = setTimeout(() => socket.destroy(), Math.min(idleMs, 5_000));
  let bytes = 0;
  message.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > UNWANTED_BYTES) socket.destroy();
  });
  message.once('close', () => clearTimeout(timer));
  message.resume();
}

/** Sixteen characters that tell requests apart, as S3's do. */
function createRequestIds(): () => string {
  const start = randomBytes(4).toString('hex').toUpperCase();
  let count = 0;
  return () => start + (count = (count + 1) >>> 0).toString(16).toUpperCase().padStart(8, '0');
}
