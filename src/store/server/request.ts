/** What a request addresses: host, bucket, key, query. Nothing is normalised: `a//b` and `../x` are keys. */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { S3Error } from './s3-error.js';

export interface S3Request {
  readonly message: IncomingMessage;
  readonly method: string;
  /** As sent. */
  readonly rawPath: string;
  readonly rawQuery: string;
  /** Decoded; of equal names the first counts. */
  readonly query: ReadonlyMap<string, string>;
  /** Empty for a request to the service. */
  readonly bucket: string;
  /** Empty for a request to a bucket. */
  readonly key: string;
  /** Is the bucket a part of the host's name? */
  readonly virtualHost: boolean;
}

/**
 * A name by which the server is called, lower-case and without port, below which buckets are; or a rule: the bucket that a host
 * says, null where it is the server itself, undefined where it is neither.
 */
export type ServedHost = string | ((host: string) => string | null | undefined);

/** Throws S3Error for what cannot be read, and for a host that is not served here. */
export function readRequest(message: IncomingMessage, hosts: readonly ServedHost[]): S3Request {
  const { rawPath, rawQuery } = splitTarget(message.url ?? '');
  const path = decodePercent(rawPath);
  const bucketOfHost = bucketInHost(message.headers.host, hosts);
  const slash = path.indexOf('/', 1);
  const address =
    bucketOfHost !== null
      ? { bucket: bucketOfHost, key: path.slice(1) }
      : slash === -1
        ? { bucket: path.slice(1), key: '' }
        : { bucket: path.slice(1, slash), key: path.slice(slash + 1) };
  return {
    message,
    method: message.method ?? '',
    rawPath,
    rawQuery,
    query: readQuery(rawQuery),
    ...address,
    virtualHost: bucketOfHost !== null,
  };
}

/** A header's value; undefined when it is missing. */
export function headerOf({ message }: Pick<S3Request, 'message'>, name: string): string | undefined {
  const value = message.headers[name];
  return typeof value === 'string' ? value : value?.join(',');
}

function splitTarget(target: string): { readonly rawPath: string; readonly rawQuery: string } {
  const local = target.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = local.indexOf('?');
  const rawPath = mark === -1 ? local : local.slice(0, mark);
  if (!rawPath.startsWith('/')) throw new S3Error('InvalidURI');
  return { rawPath, rawQuery: mark === -1 ? '' : local.slice(mark + 1) };
}

/** Null where the host is the server itself; throws for a host that is neither. */
function bucketInHost(header: string | undefined, hosts: readonly ServedHost[]): string | null {
  const host = header?.trim().replace(/:\d*$/, '') ?? '';
  if (host === '') throw new S3Error('InvalidRequest', 'The Host header is missing.');
  const lower = host.toLowerCase();
  // An address is nobody's name: no foreign page can make a browser send it.
  if (isIP(host.replace(/^\[|\]$/g, '')) !== 0) return null;
  let bucket: string | undefined;
  for (const own of hosts) {
    if (typeof own === 'function') {
      const said = own(host);
      if (said !== undefined) return said;
      continue;
    }
    if (lower === own) return null;
    if (lower.endsWith(`.${own}`)) {
      const name = host.slice(0, -own.length - 1);
      if (bucket === undefined || name.length < bucket.length) bucket = name;
    }
  }
  if (bucket === undefined || bucket === '')
    throw new S3Error('AccessDenied', `The host "${host.slice(0, 255)}" is not served here.`);
  return bucket;
}

function readQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of queryPairs(text)) if (!query.has(name)) query.set(name, value);
  return query;
}

/** Names and values, decoded, in the order in which they were sent. */
export function queryPairs(text: string): [name: string, value: string][] {
  if (text === '') return [];
  return text
    .split('&')
    .filter(part => part !== '')
    .map(part => {
      const equals = part.indexOf('=');
      const name = equals === -1 ? part : part.slice(0, equals);
      const value = equals === -1 ? '' : part.slice(equals + 1);
      return [decodeForm(name), decodeForm(value)];
    });
}

function decodeForm(text: string): string {
  return decodePercent(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

export function decodePercent(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidURI');
  }
}
