/** What a request signed by Signature V4 says of itself. */

import { UNSIGNED_PAYLOAD } from '../../aws/payload-hash.js';
import { headerOf, type S3Request } from './request.js';
import { S3Error, type S3ErrorCode } from './s3-error.js';

export interface V4Claim {
  readonly accessKeyId: string;
  /** `20130524/us-east-1/s3/aws4_request`. */
  readonly scope: string;
  /** `20130524T000000Z`. */
  readonly date: string;
  /** The same in milliseconds since 1970. */
  readonly time: number;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** As it goes into the canonical request. */
  readonly payloadHash: string;
  readonly presigned: boolean;
  /** Seconds; 0 for a request that is not presigned. */
  readonly expires: number;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const CREDENTIAL = /^(.+)\/([^/]*)\/([^/]+)\/s3\/aws4_request$/s;
const AMZ_DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const SIGNATURE = /^[0-9a-f]{64}$/;
/** A week: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
const LONGEST_S = 604_800;

export function parseAuthorization(request: S3Request, header: string): V4Claim {
  if (!header.startsWith(`${ALGORITHM} `)) {
    if (/^AWS4-ECDSA/.test(header))
      throw new S3Error('NotImplemented', 'Signature Version 4A is not implemented by the embedded store.');
    throw new S3Error(
      'InvalidRequest',
      `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
    );
  }
  const fields = new Map<string, string>();
  for (const field of header.slice(ALGORITHM.length + 1).split(',')) {
    const equals = field.indexOf('=');
    if (equals > 0) fields.set(field.slice(0, equals).trim(), field.slice(equals + 1).trim());
  }
  const payloadHash = headerOf(request, 'x-amz-content-sha256');
  if (payloadHash === undefined)
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  return checked('AuthorizationHeaderMalformed', {
    credential: fields.get('Credential'),
    signedHeaders: fields.get('SignedHeaders'),
    signature: fields.get('Signature'),
    date: headerOf(request, 'x-amz-date') ?? dateHeader(request),
    payloadHash,
    presigned: false,
    expires: 0,
  });
}

export function parsePresignedV4(request: S3Request): V4Claim {
  const { query } = request;
  const malformed = 'AuthorizationQueryParametersError';
  if (query.get('X-Amz-Algorithm') !== ALGORITHM)
    throw new S3Error(malformed, `X-Amz-Algorithm only supports "${ALGORITHM}"`);
  const text = query.get('X-Amz-Expires') ?? '';
  const expires = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (expires < 1) throw new S3Error(malformed, 'X-Amz-Expires should be a number of seconds above 0');
  if (expires > LONGEST_S)
    throw new S3Error(malformed, 'X-Amz-Expires must be less than a week (in seconds) that is 604800');
  return checked(malformed, {
    credential: query.get('X-Amz-Credential'),
    signedHeaders: query.get('X-Amz-SignedHeaders'),
    signature: query.get('X-Amz-Signature'),
    date: query.get('X-Amz-Date'),
    payloadHash:
      query.get('X-Amz-Content-Sha256') ?? headerOf(request, 'x-amz-content-sha256') ?? UNSIGNED_PAYLOAD,
    presigned: true,
    expires,
  });
}

function checked(
  malformed: S3ErrorCode,
  {
    credential,
    signedHeaders,
    signature,
    date,
    ...rest
  }: {
    readonly credential: string | undefined;
    readonly signedHeaders: string | undefined;
    readonly signature: string | undefined;
    readonly date: string | undefined;
  } & Pick<V4Claim, 'payloadHash' | 'presigned' | 'expires'>,
): V4Claim {
  if (date === undefined)
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  if (credential === undefined || signedHeaders === undefined || signature === undefined)
    throw new S3Error(malformed, 'Expected Credential, SignedHeaders and Signature.');
  const [, accessKeyId, day, region] = CREDENTIAL.exec(credential) ?? [];
  if (accessKeyId === undefined || day === undefined || region === undefined)
    throw new S3Error(
      malformed,
      'The credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/s3/aws4_request".',
    );
  const time = parseAmzDate(date);
  if (Number.isNaN(time))
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  if (day !== date.slice(0, 8))
    throw new S3Error(malformed, `Invalid credential date "${day}". It is not the date of the request.`);
  if (!SIGNATURE.test(signature)) throw new S3Error(malformed, 'The signature is not 64 hexadecimal digits.');
  const names = signedHeaders.split(';');
  if (!names.includes('host')) throw new S3Error(malformed, 'The host header must be signed.');
  const scope = `${day}/${region}/s3/aws4_request`;
  return { accessKeyId, scope, date, time, signedHeaders: names, signature, ...rest };
}

/** Milliseconds since 1970; NaN for what is no such date. */
function parseAmzDate(date: string): number {
  const [, year, month, day, hour, minute, second] = AMZ_DATE.exec(date) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

/** Old clients send `Date` instead. */
function dateHeader(request: S3Request): string | undefined {
  const time = Date.parse(headerOf(request, 'date') ?? '');
  if (Number.isNaN(time)) return undefined;
  return `${new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}
