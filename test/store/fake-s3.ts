/** An S3 server that answers what a test says: for failures on demand. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fixedCredentials, type CredentialSource } from '../../src/aws/credentials.js';
import type { ListedObject, ObjectAddress, Store } from '../../src/store/port.js';
import { createS3Store } from '../../src/store/s3/s3-store.js';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const OF_THE_TEST = fixedCredentials({ accessKeyId: 'AK', secretAccessKey: 'SK' });

/** Called once a request; `nth` counts from 1. A response that it does not end hangs. */
export type Script = (answer: ServerResponse, seen: Seen, nth: number) => void;

export interface FakeS3 extends AsyncDisposable {
  readonly url: string;
  readonly store: Store;
  readonly seen: Seen[];
}

export async function startFakeS3(
  script: Script,
  options: {
    readonly credentials?: CredentialSource;
    readonly firstByteMs?: number;
    readonly idleMs?: number;
    /** Off: `seen` has empty bodies, and none is held. */
    readonly keepBodies?: boolean;
  } = {},
): Promise<FakeS3> {
  const { credentials = OF_THE_TEST, keepBodies = true, ...limits } = options;
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => {
      if (keepBodies) chunks.push(chunk);
    });
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://fake');
      const entry: Seen = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: Buffer.concat(chunks),
      };
      seen.push(entry);
      script(response, entry, seen.length);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const store = createS3Store({
    name: `the store at ${url}`,
    url,
    region: 'us-east-1',
    credentials,
    limits: { backoffMs: 1, ...limits },
  });
  return {
    url,
    store,
    seen,
    async [Symbol.asyncDispose]() {
      await store.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function answerError(
  answer: ServerResponse,
  status: number,
  { code, more = '', headers = {} }: { code: string; more?: string; headers?: Record<string, string> },
): void {
  answer.writeHead(status, { 'content-type': 'application/xml', ...headers });
  answer.end(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>about ${code}</Message>${more}</Error>`,
  );
}

const sums = new WeakMap<Buffer, string>();

/** Computed once a body: the fake shares its thread with the client, whose limits go on meanwhile. */
export function md5(body: Buffer): string {
  const known = sums.get(body);
  if (known !== undefined) return known;
  const sum = createHash('md5').update(body).digest('hex');
  sums.set(body, sum);
  return sum;
}

export function objectOf(body: Buffer, etag = md5(body)): ObjectAddress & ListedObject {
  return { bucket: 'bucket', key: 'dir/key', size: body.length, etag };
}

export function answerObject(
  answer: ServerResponse,
  body: Buffer,
  { etag = md5(body), headers = {} }: { etag?: string; headers?: Record<string, string> } = {},
): void {
  answer.writeHead(200, { etag: `"${etag}"`, 'content-length': body.length, ...headers });
  answer.end(body);
}
