/** Is the request signed by a key that is known? Signature V4 in header or query, V2 in the query. */

import type { Caller, CallerKey, CallerKeys, Payload } from './caller.js';
import { headerOf, type S3Request } from './request.js';
import { S3Error } from './s3-error.js';
import { verifyPresignedV2 } from './signature-v2.js';
import { readPayload } from './signed-payload.js';
import { createV4Verifier, type SignedScope } from './signature-v4.js';
import { parseAuthorization, parsePresignedV4, type V4Claim } from './v4-claim.js';

export type Authenticate = (request: S3Request, now: number) => Caller;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
const SKEW_MS = 15 * 60 * 1000;

/**
 * `now` in milliseconds since 1970. Any region is accepted: all buckets are here, and scripts name the region that
 * theirs have on AWS.
 */
export function createAuthentication(keys: CallerKeys): Authenticate {
  const verify = createV4Verifier();

  function byV4(request: S3Request, claim: V4Claim, now: number): Caller {
    assertInTime(claim, now);
    const key = knownKey(keys, claim.accessKeyId);
    assertToken(key, claim.presigned ? request.query.get('X-Amz-Security-Token') : tokenHeader(request));
    assertAllSigned(request, claim);
    const scope = verify({ request, claim, secretAccessKey: key.secretAccessKey });
    return { accessKeyId: claim.accessKeyId, key, payload: payloadOf(claim, scope) };
  }

  function byV2(request: S3Request, now: number): Caller {
    const accessKeyId = request.query.get('AWSAccessKeyId') ?? '';
    const expires = Number(request.query.get('Expires'));
    if (!Number.isSafeInteger(expires) || request.query.get('Signature') === undefined)
      throw new S3Error(
        'AccessDenied',
        'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
      );
    if (expires * 1000 < now) throw expired(new Date(expires * 1000), now);
    const key = knownKey(keys, accessKeyId);
    const token = request.query.get('x-amz-security-token') ?? tokenHeader(request);
    assertToken(key, token);
    verifyPresignedV2(request, key.secretAccessKey);
    return { accessKeyId, key, payload: { kind: 'unsigned' } };
  }

  return (request, now) => {
    const authorization = headerOf(request, 'authorization');
    const v4 = request.query.has('X-Amz-Algorithm') || request.query.has('X-Amz-Signature');
    const v2 = request.query.has('AWSAccessKeyId');
    if (Number(authorization !== undefined) + Number(v4) + Number(v2) > 1)
      throw new S3Error(
        'InvalidArgument',
        'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
      );
    if (authorization !== undefined) return byV4(request, parseAuthorization(request, authorization), now);
    if (v4) return byV4(request, parsePresignedV4(request), now);
    if (v2) return byV2(request, now);
    throw new S3Error('AccessDenied', 'Access Denied: the request is not signed.');
  };
}

function tokenHeader(request: S3Request): string | undefined {
  return headerOf(request, 'x-amz-security-token');
}

function payloadOf(claim: V4Claim, { sign, scope }: SignedScope): Payload {
  return readPayload(claim.payloadHash, { sign, scope, seed: claim.signature });
}

function assertInTime({ date, time, expires, presigned }: V4Claim, now: number): void {
  if (presigned) {
    if (time - now > SKEW_MS) throw new S3Error('AccessDenied', 'Request is not yet valid');
    const end = time + expires * 1000;
    if (end < now) throw expired(new Date(end), now);
  } else if (Math.abs(now - time) > SKEW_MS)
    throw new S3Error('RequestTimeTooSkewed', undefined, {
      details: {
        RequestTime: date,
        ServerTime: new Date(now).toISOString(),
        MaxAllowedSkewMilliseconds: String(SKEW_MS),
      },
    });
}

function expired(end: Date, now: number): S3Error {
  const text = Number.isNaN(end.getTime()) ? '' : end.toISOString();
  return new S3Error('AccessDenied', 'Request has expired', {
    details: { Expires: text, ServerTime: new Date(now).toISOString() },
  });
}

function knownKey(keys: CallerKeys, accessKeyId: string): CallerKey {
  const key = keys(accessKeyId);
  if (key === null)
    throw new S3Error('InvalidAccessKeyId', undefined, { details: { AWSAccessKeyId: accessKeyId } });
  return key;
}

function assertToken(key: CallerKey, token: string | undefined): void {
  if (key.sessionToken === token) return;
  // AWS does not know a temporary key without its token.
  if (token === undefined) throw new S3Error('InvalidAccessKeyId');
  throw new S3Error('InvalidToken');
}

/** What S3 acts upon must be signed: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
function assertAllSigned(request: S3Request, { signedHeaders }: V4Claim): void {
  const unsigned = Object.keys(request.message.headers).filter(
    name => (name.startsWith('x-amz-') || name === 'host') && !signedHeaders.includes(name),
  );
  const foreign = unsigned.filter(name => name !== 'x-amz-content-sha256');
  if (foreign.length > 0)
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      details: { HeadersNotSigned: foreign.join(', ') },
    });
}
