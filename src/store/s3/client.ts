/** Signed S3 requests: addressing, regions, renewed credentials. What is asked and answered is the callers' business. */

import type { CredentialSource } from '../../aws/credentials.js';
import { domainOfRegion } from '../../aws/partition.js';
import { encodeKey, encodeQuery } from '../../aws/percent-encoding.js';
import { createS3Signer } from '../../aws/s3-signer.js';
import { EMPTY_PAYLOAD, UNSIGNED_PAYLOAD } from '../../aws/payload-hash.js';
import { createConnectionPool } from './connection-pool.js';
import { faultOfAnswer, S3Fault } from './fault.js';
import { withRetries } from './retry.js';
import type { Answer, Exchange, Sink } from './transport.js';

export interface S3Endpoint {
  /** For messages. */
  readonly name: string;
  /** The base URL of an S3-compatible server; without it, AWS. */
  readonly url?: string;
  readonly region: string;
  readonly credentials: CredentialSource;
  /** PEM certificates to trust instead of the system's, as the file in `AWS_CA_BUNDLE`. */
  readonly ca?: string;
  readonly limits?: Partial<S3Limits>;
}

/** Times in milliseconds. */
export interface S3Limits {
  readonly connections: number;
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
  /** Tries in all for one request. */
  readonly tries: number;
  /** The pause before the second try; it doubles from then on. */
  readonly backoffMs: number;
}

const LIMITS: S3Limits = {
  // As many as are asked for at once are opened: a server next door sees some sixty, a far one all of them.
  connections: 256,
  connectMs: 5_000,
  firstByteMs: 30_000,
  idleMs: 30_000,
  tries: 5,
  backoffMs: 200,
};

export interface S3Request {
  readonly method: Exchange['method'];
  readonly bucket: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly sink?: Sink;
  readonly firstByteMs?: number;
  readonly signal: AbortSignal;
}

export interface S3Client {
  readonly endpoint: S3Endpoint;
  /** One try. Throws S3Fault for every status but 2xx. */
  once(request: S3Request): Promise<Answer>;
  /** As `once`, tried again within the budget. */
  call(request: S3Request): Promise<Answer>;
  /** Any work made of `once`, tried again within the budget. */
  retrying<T>(signal: AbortSignal, attempt: (progress: () => void) => Promise<T>): Promise<T>;
  close(): void;
}

/** Where requests for a region go, taken apart once. */
interface Base {
  readonly origin: string;
  readonly host: string;
  /** Without a slash at its end. */
  readonly path: string;
}

export function createS3Client(endpoint: S3Endpoint): S3Client {
  const limits: S3Limits = { ...LIMITS, ...endpoint.limits };
  const transport = createConnectionPool({
    ...limits,
    ...(endpoint.ca === undefined ? {} : { ca: endpoint.ca }),
  });
  const sign = createS3Signer(endpoint.credentials);
  const regions = new Map<string, string>();
  const bases = new Map<string, Base>();
  let answered = false;

  async function once(request: S3Request): Promise<Answer> {
    try {
      return await send(request);
    } catch (thrown) {
      request.signal.throwIfAborted();
      if (!(thrown instanceof S3Fault)) throw thrown;
      if (thrown.kind === 'refresh') await endpoint.credentials({ forceRefresh: true });
      else if (thrown.kind === 'region' && thrown.region !== regionOf(request.bucket))
        regions.set(request.bucket, thrown.region ?? endpoint.region);
      else throw thrown;
      return await send(request);
    }
  }

  function hasAnswered(): boolean {
    return answered;
  }

  function regionOf(bucket: string): string {
    return regions.get(bucket) ?? endpoint.region;
  }

  function baseOf(region: string): Base {
    const known = bases.get(region);
    if (known !== undefined) return known;
    const url = new URL(endpoint.url ?? `https://s3.${region}.${domainOfRegion(region)}`);
    const base = { origin: url.origin, host: url.host, path: url.pathname.replace(/\/$/, '') };
    bases.set(region, base);
    return base;
  }

  async function send(request: S3Request): Promise<Answer> {
    const { method, bucket, key = '', query = {}, body } = request;
    const region = regionOf(bucket);
    const base = baseOf(region);
    const path = `${base.path}/${encodeKey(bucket)}${key === '' ? '' : `/${encodeKey(key)}`}`;
    const search = encodeQuery(query);
    const headers = await sign({
      method,
      host: base.host,
      path,
      query,
      headers: {
        'x-amz-content-sha256': body === undefined ? EMPTY_PAYLOAD : UNSIGNED_PAYLOAD,
        ...request.headers,
      },
      region,
    });
    const answer = await transport.exchange({
      ...request,
      origin: base.origin,
      path: search === '' ? path : `${path}?${search}`,
      headers,
    });
    answered = true;
    if (answer.status < 200 || answer.status > 299) throw faultOfAnswer(answer);
    return answer;
  }

  function retrying<T>(signal: AbortSignal, attempt: (progress: () => void) => Promise<T>): Promise<T> {
    return withRetries({ tries: limits.tries, backoffMs: limits.backoffMs, signal, hasAnswered }, attempt);
  }

  return {
    endpoint,
    once,
    call: request => retrying(request.signal, () => once(request)),
    retrying,
    close: () => transport.close(),
  };
}
