/** Signature V4, computed from what has arrived: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */

import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { encodeText } from '../../aws/percent-encoding.js';
import { queryPairs, type S3Request } from './request.js';
import { S3Error } from './s3-error.js';
import type { V4Claim } from './v4-claim.js';

export interface SignedScope {
  /** The HMAC in hex with the key of the scope. */
  readonly sign: (text: string) => string;
  /** `DATE\nSCOPE`. */
  readonly scope: string;
}

export type V4Verifier = (what: {
  readonly request: S3Request;
  readonly claim: V4Claim;
  readonly secretAccessKey: string;
}) => SignedScope;

/** Keys of a day, a region and a secret, which are kept: making one takes four HMACs. */
const KEPT_KEYS = 64;

/** Throws SignatureDoesNotMatch. */
export function createV4Verifier(): V4Verifier {
  const kept = new Map<string, SignedScope['sign']>();

  function signerFor(secret: string, scope: string): SignedScope['sign'] {
    const name = `${scope} ${secret}`;
    const found = kept.get(name);
    if (found !== undefined) return found;
    let key: string | Buffer = `AWS4${secret}`;
    for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
    const made = createMac(Buffer.from(key));
    if (kept.size >= KEPT_KEYS) kept.clear();
    kept.set(name, made);
    return made;
  }

  return ({ request, claim, secretAccessKey }) => {
    const sign = signerFor(secretAccessKey, claim.scope);
    const scope = `${claim.date}\n${claim.scope}`;
    for (const form of FORMS) {
      const canonical = canonicalRequest(request, claim, form);
      // Header values are the bytes that came.
      const digest = hash('sha256', Buffer.from(canonical, 'latin1'));
      if (sameText(sign(`AWS4-HMAC-SHA256\n${scope}\n${digest}`), claim.signature)) return { sign, scope };
    }
    throw new S3Error('SignatureDoesNotMatch', undefined, {
      details: {
        AWSAccessKeyId: claim.accessKeyId,
        SignatureProvided: claim.signature,
        CanonicalRequest: canonicalRequest(request, claim, 'encoded'),
      },
    });
  };
}

/** HMAC-SHA256 of RFC 2104 in two hashes, each in one call: an object for each text costs more than what it computes. */
function createMac(key: Buffer): (text: string) => string {
  const pad = (byte: number): string =>
    Buffer.from(Array.from({ length: 64 }, (_, at) => byte ^ (key[at] ?? 0))).toString('latin1');
  const [inner, outer] = [pad(0x36), pad(0x5c)];
  const digest = (text: string, form: 'binary' | 'hex'): string =>
    hash('sha256', Buffer.from(text, 'latin1'), form);
  return text => digest(outer + digest(inner + text, 'binary'), 'hex');
}

/** `raw` is for clients that send a path or a query otherwise encoded than the rules say, and sign it as sent. */
const FORMS = ['encoded', 'raw'] as const;

function canonicalRequest(
  request: S3Request,
  { signedHeaders, payloadHash, presigned }: V4Claim,
  form: (typeof FORMS)[number],
): string {
  const { method, rawPath } = request;
  const path = form === 'raw' ? rawPath : encodedPath(request);
  const query = form === 'raw' ? rawQuery(request, presigned) : encodedQuery(request, presigned);
  let headers = '';
  for (const name of signedHeaders) headers += `${name}:${headerValue(request, name, form)}\n`;
  return `${method}\n${path}\n${query}\n${headers}\n${signedHeaders.join(';')}\n${payloadHash}`;
}

const ENCODED_PATH = /^(?:[A-Za-z0-9\-._~/]|%[0-9A-F]{2})*$/;

function encodedPath({ rawPath }: S3Request): string {
  return ENCODED_PATH.test(rawPath)
    ? rawPath
    : rawPath
        .split('/')
        .map(segment => encodeText(decodeURIComponent(segment)))
        .join('/');
}

function encodedQuery({ rawQuery }: S3Request, presigned: boolean): string {
  if (rawQuery === '') return '';
  return queryPairs(rawQuery)
    .filter(([name]) => !presigned || name !== 'X-Amz-Signature')
    .map(([name, value]) => [encodeText(name), encodeText(value)] as const)
    .sort(([a, x], [b, y]) => order(a, b) || order(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function rawQuery(request: S3Request, presigned: boolean): string {
  return request.rawQuery
    .split('&')
    .filter(part => part !== '' && !(presigned && part.startsWith('X-Amz-Signature=')))
    .map(part => (part.includes('=') ? part : `${part}=`))
    .sort()
    .join('&');
}

function headerValue({ message }: S3Request, name: string, form: (typeof FORMS)[number]): string {
  const value = form === 'raw' ? message.headersDistinct[name] : message.headers[name];
  const text = typeof value === 'string' ? value : (value?.join(',') ?? '');
  return text.includes('  ') || text.includes('\t') ? text.trim().replaceAll(/\s+/g, ' ') : text.trim();
}

export function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));
}
