/**
 * A proxy before a real S3 server that spoils one request in ten. What happens to a request follows from the seed, from what
 * is asked for, and from how often it was asked for before: not from the order in which requests come.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Gate } from './gate.js';

export const FAULTS = [
  // Before the server sees the request.
  'status 500',
  'status 503',
  'reset at once',
  'reset in the request',
  'request corrupted',
  // The server has done what was asked, and the client does not get to know, or not all.
  'answer lost',
  'reset after the head',
  'reset in the answer',
  'answer cut off',
  'answer corrupted',
  'stalled before the head',
  'stalled in the answer',
] as const;

export type Fault = (typeof FAULTS)[number];

export interface FaultProxy {
  readonly url: string;
  /** Requests that came, spoiled or not. */
  readonly requests: () => number;
  /** How often each fault was done. */
  readonly done: ReadonlyMap<Fault, number>;
  stop(): Promise<void>;
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * `share`: of the requests that are spoiled, from 0 to 1. `faults`: those to choose from. `only`: what the URL
 * of a spoiled one looks like. `gate`: holds requests.
 */
export async function startFaultProxy({
  target,
  seed,
  share = 0.1,
  faults = FAULTS,
  only = /^/,
  gate,
}: {
  readonly target: string;
  readonly seed: number;
  readonly share?: number;
  readonly faults?: readonly Fault[];
  readonly only?: RegExp;
  readonly gate?: Gate;
}): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const done = new Map<Fault, number>();
  const seen = new Map<string, number>();
  let requests = 0;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests++;
    await gate?.pass(`${request.method ?? ''} ${request.url ?? ''}`);
    const name = nameOf(request);
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    const chance = createChance(`${seed} ${nth} ${name}`);
    const fault =
      only.test(request.url ?? '') && chance() < share
        ? faults[Math.floor(chance() * faults.length)]
        : undefined;
    if (fault !== undefined) done.set(fault, (done.get(fault) ?? 0) + 1);
    if (fault === 'reset at once') {
      reset(request);
      return;
    }
    if (fault === 'reset in the request') {
      await once(request, 'readable');
      reset(request);
      return;
    }
    const body = await bytesOf(request);
    if (fault === 'status 500') {
      refuse(response, 500, 'InternalError');
      return;
    }
    if (fault === 'status 503') {
      refuse(response, 503, 'SlowDown');
      return;
    }
    const answered = await forward(agent, target, {
      method: request.method ?? 'GET',
      url: request.url ?? '/',
      headers: request.headers,
      body: fault === 'request corrupted' ? corrupted(body, chance) : body,
    });
    await give({ request, response, answered, fault, chance });
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    serve(request, response).catch(() => reset(request));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    done,
    async stop() {
      agent.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What is asked for: the server's own names for uploads are not the same in the next run. */
function nameOf({ method, url, headers }: IncomingMessage): string {
  const path = (url ?? '').replace(/([?&]uploadId=)[^&]*/, '$1');
  return `${method ?? ''} ${path} ${headers.range === undefined ? '' : 'range'}`;
}

async function give({
  request,
  response,
  answered,
  fault,
  chance,
}: {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly answered: Answered;
  readonly fault: Fault | undefined;
  readonly chance: () => number;
}): Promise<void> {
  const { status, headers, body } = answered;
  if (fault === 'answer lost') {
    reset(request);
    return;
  }
  // The connection stays open: only the client's own limit ends this.
  if (fault === 'stalled before the head') return;
  response.writeHead(status, headers);
  if (request.method === 'HEAD' || body.length === 0) {
    if (fault === 'reset after the head' || fault === 'reset in the answer') {
      reset(request);
      return;
    }
    response.end();
    return;
  }
  const half = body.subarray(0, Math.floor(body.length * chance()));
  switch (fault) {
    case 'reset after the head':
      response.flushHeaders();
      {
        reset(request);
        return;
      }
    case 'reset in the answer':
      await written(response, half);
      {
        reset(request);
        return;
      }
    case 'answer cut off':
      await written(response, half);
      request.socket.end();
      return;
    case 'stalled in the answer':
      await written(response, half);
      return;
    default:
      response.end(fault === 'answer corrupted' ? corrupted(body, chance) : body);
  }
}

function reset({ socket }: IncomingMessage): void {
  socket.resetAndDestroy();
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>injected</Message></Error>`);
}

async function written(response: ServerResponse, bytes: Buffer): Promise<void> {
  response.flushHeaders();
  if (bytes.length > 0)
    await new Promise<void>(resolve => {
      response.write(bytes, () => resolve());
    });
}

/** One bit is another one; of nothing, nothing. */
function corrupted(bytes: Buffer, chance: () => number): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.floor(chance() * copy.length);
  if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(chance() * 8));
  return copy;
}

function forward(agent: Agent, target: string, { method, url, headers, body }: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    // The host stays that of the client, which it has signed.
    const outgoing = httpRequest(target, { agent, method, path: url, headers }, incoming => {
      bytesOf(incoming).then(
        bytes => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: bytes }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Numbers from 0 to below 1 that follow from a text. */
function createChance(text: string): () => number {
  let count = 0;
  return () => createHash('sha256').update(`${text} ${count++}`).digest().readUInt32BE() / 2 ** 32;
}
