/** Sends a request of somebody else to an S3 server under the store's own keys, and gives the answer as it comes. */

import type { Readable } from 'node:stream';
import { Agent, request as send, type Dispatcher } from 'undici';
import { encodeKey, encodeQuery } from '../../aws/percent-encoding.js';
import { UNSIGNED_PAYLOAD, EMPTY_PAYLOAD } from '../../aws/payload-hash.js';
import { createS3Signer } from '../../aws/s3-signer.js';
import type { CredentialSource } from '../../aws/credentials.js';
import { faultOfAnswer } from './fault.js';

export interface Upstream {
  readonly url: string;
  readonly region: string;
  readonly credentials: CredentialSource;
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string;
}

export interface PassedRequest {
  readonly method: string;
  /** Empty for a request to the service. */
  readonly bucket: string;
  /** Empty for a request to a bucket. */
  readonly key: string;
  /** Without what belongs to a signature. */
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names, without what belongs to a signature or to the connection. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: PassedBody | null;
}

export interface PassedBody {
  readonly stream: Readable;
  readonly length: number;
  /** What `x-amz-content-sha256` says of it; without it, that nothing is signed. */
  readonly payload?: string;
}

export interface PassedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

export interface PassOn {
  /** Throws the network's errors. */
  send(request: PassedRequest): Promise<PassedAnswer>;
  close(): Promise<void>;
}

const WAIT_MS = 60_000;
/** Buckets whose region is remembered. */
const REMEMBERED = 1_000;

export function createPassOn({ url, region, credentials, ca }: Upstream): PassOn {
  const sign = createS3Signer(credentials);
  const base = new URL(url);
  const agent = new Agent({
    headersTimeout: WAIT_MS,
    bodyTimeout: WAIT_MS,
    connect: { timeout: 5_000, ...(ca === undefined ? {} : { ca }) },
  });
  const regions = new Map<string, Promise<string>>();

  async function sendTo(
    target: string,
    { method, bucket, key, query, headers, body }: PassedRequest,
  ): Promise<Dispatcher.ResponseData> {
    const root = `${base.pathname.replace(/\/$/, '')}/${encodeKey(bucket)}`;
    const path = key === '' ? root : `${root}/${encodeKey(key)}`;
    const search = encodeQuery(query);
    const signed = await sign({
      method,
      host: base.host,
      path,
      query,
      headers: {
        ...headers,
        'x-amz-content-sha256': body === null ? EMPTY_PAYLOAD : (body.payload ?? UNSIGNED_PAYLOAD),
      },
      region: target,
    });
    return await send(`${base.origin}${search === '' ? path : `${path}?${search}`}`, {
      dispatcher: agent,
      method: method as 'GET',
      headers: body === null ? signed : { ...signed, 'content-length': String(body.length) },
      body: body?.stream ?? null,
    });
  }

  /** A body that streams by cannot be sent twice, so a bucket is asked for its region before the first request to it. */
  function regionOf(bucket: string): Promise<string> {
    const known = regions.get(bucket);
    if (known !== undefined) return known;
    const asked = askRegion(bucket);
    if (regions.size >= REMEMBERED) regions.clear();
    regions.set(bucket, asked);
    asked.catch(() => regions.delete(bucket));
    return asked;
  }

  async function askRegion(bucket: string): Promise<string> {
    // A question for the location itself may be answered whatever the region that it is signed for.
    const query: Record<string, string> = bucket === '' ? {} : { 'list-type': '2', 'max-keys': '1' };
    const answer = await sendTo(region, { method: 'GET', bucket, key: '', query, headers: {}, body: null });
    const text = Buffer.from(await answer.body.arrayBuffer());
    if (answer.statusCode < 300) return region;
    const fault = faultOfAnswer({ status: answer.statusCode, headers: answer.headers, body: text });
    // Said in passing, and nothing of the region.
    if (fault.kind === 'again') regions.delete(bucket);
    return fault.kind === 'region' ? (fault.region ?? region) : region;
  }

  return {
    async send(request) {
      const answer = await sendTo(await regionOf(request.bucket), request);
      return { status: answer.statusCode, headers: joined(answer.headers), body: answer.body };
    },
    close: () => agent.destroy(),
  };
}

function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const known = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, [value].flat().join(', ')]));
}
