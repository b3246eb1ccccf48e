/** A server over a store of its own, and the clients that speak to it. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { fixedCredentials } from '../../../src/aws/credentials.js';
import { encodeQuery } from '../../../src/aws/percent-encoding.js';
import { createS3Signer } from '../../../src/aws/s3-signer.js';
import { createS3Server, type S3ServerOptions } from '../../../src/store/server/s3-server.js';

export const ACCESS_KEY = 'OPTMLTESTKEY';
export const SECRET_KEY = 'optml/test+secret';
export const REGION = 'us-east-1';
export const BUCKET = 'My_Bucket';

export interface Running {
  /** The folder that holds the store's folder and nothing else. */
  readonly parent: string;
  readonly root: string;
  readonly port: number;
  readonly url: string;
  /** What the server called its own faults. */
  readonly faults: unknown[];
  readonly client: S3Client;
  /** Ends the server, and fails when it left something unfinished or met a fault of its own. */
  stop(): Promise<void>;
}

export async function startServer(options: Partial<S3ServerOptions> = {}): Promise<Running> {
  const parent = await mkdtemp(join(tmpdir(), 'optml-s3-server-'));
  const root = options.root ?? join(parent, 's3');
  const faults: unknown[] = [];
  const server = createS3Server({
    root,
    keys: id => (id === ACCESS_KEY ? { secretAccessKey: SECRET_KEY } : null),
    region: REGION,
    hosts: ['localhost'],
    onFault: fault => faults.push(fault),
    ...options,
  });
  const { port } = await server.listen('127.0.0.1', 0);
  const url = `http://127.0.0.1:${port}`;
  const client = createClient(url);
  return {
    parent,
    root,
    port,
    url,
    faults,
    client,
    async stop() {
      client.destroy();
      await server.close();
      const unfinished = await readdir(join(root, '.optml', 'tmp')).catch(() => []);
      await rm(parent, { recursive: true, force: true });
      if (faults.length > 0)
        throw new Error(`the server met a fault: ${String(faults[0])}`, { cause: faults[0] });
      if (unfinished.length > 0) throw new Error(`unfinished files remain: ${unfinished.join(', ')}`);
    },
  };
}

export function createClient(
  url: string,
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } = {
    accessKeyId: ACCESS_KEY,
    secretAccessKey: SECRET_KEY,
  },
): S3Client {
  return new S3Client({ endpoint: url, region: REGION, credentials, forcePathStyle: true, maxAttempts: 1 });
}

/** The code and the status with which the server refused; fails when it did not. */
export async function refusal(
  work: Promise<unknown>,
): Promise<readonly [code: string, status: number | undefined]> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof S3ServiceException) return [thrown.name, thrown.$metadata.httpStatusCode];
    throw thrown;
  }
  throw new Error('it was not refused');
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface RawRequest {
  readonly method?: string;
  /** As it is sent. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** Sends exactly this. */
export function send(
  port: number,
  { method = 'GET', path, headers = {}, body }: RawRequest,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host: '127.0.0.1', port, method, path, headers, agent: false },
      response => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(pieces),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const sign = createS3Signer(fixedCredentials({ accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY }));

type Signable = RawRequest & { readonly query?: Readonly<Record<string, string>> };

/** Signs with the product's own signer, which a test of its own holds against the library's. */
export async function signRequest(
  port: number,
  { method = 'GET', path, headers = {}, body, query = {} }: Signable,
): Promise<Required<Pick<RawRequest, 'method' | 'headers'>> & RawRequest> {
  const signed = await sign({
    method,
    host: `127.0.0.1:${port}`,
    path,
    query,
    headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...headers },
    region: REGION,
  });
  const search = encodeQuery(query);
  return {
    method,
    path: search === '' ? path : `${path}?${search}`,
    headers: signed,
    ...(body === undefined ? {} : { body }),
  };
}

export async function sendSigned(port: number, request: Signable): Promise<RawAnswer> {
  return await send(port, await signRequest(port, request));
}

/** The `Code` in an error document. */
export function codeOf({ body }: RawAnswer): string {
  return /<Code>(\w+)<\/Code>/.exec(body.toString())?.[1] ?? '';
}
