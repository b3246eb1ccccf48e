/** What can go wrong with one S3 request, sorted by what helps. */

import { OptmlError, systemCode } from '../../errors.js';
import { readErrorXml } from './xml.js';

/**
 * `again`: another try may succeed · `unreachable`: nobody listens at the endpoint · `refresh`: newer credentials may
 * help · `region`: the bucket is in another region · `final`: the same request will fail the same way.
 */
export type FaultKind = 'again' | 'unreachable' | 'refresh' | 'region' | 'final';

export class S3Fault extends Error {
  override readonly name = 'S3Fault';
  readonly kind: FaultKind;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** S3's error code, or the system's, as `NoSuchKey`, `ECONNRESET`. */
  readonly code: string;
  /** The region that the answer names. */
  readonly region: string | undefined;
  /** The server's clock, as its Date header says. */
  readonly serverDate: string | undefined;
  /** Where the answer sends the request on to. */
  readonly location: string | undefined;

  constructor(
    message: string,
    facts: {
      readonly kind: FaultKind;
      readonly status?: number;
      readonly code: string;
      readonly region?: string | undefined;
      readonly serverDate?: string | undefined;
      readonly location?: string | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: facts.cause });
    this.kind = facts.kind;
    this.status = facts.status ?? 0;
    this.code = facts.code;
    this.region = facts.region;
    this.serverDate = facts.serverDate;
    this.location = facts.location;
  }
}

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Codes that S3 gives with a 4xx status although the request was right. */
const PASSING = new Set([
  'RequestTimeout',
  'RequestTimeoutException',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'IncompleteBody',
  'BadDigest',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
  'OperationAborted',
]);

const ENDED_CREDENTIALS = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);

/** The fault that an answer with an error status, or with an error in its body, tells of. */
export function faultOfAnswer(answer: {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}): S3Fault {
  const { status, headers } = answer;
  const said = readErrorXml(answer.body.toString());
  const code = said.code ?? `HTTP ${status}`;
  const region = headerText(headers, 'x-amz-bucket-region') ?? said.region;
  return new S3Fault(said.message ?? `HTTP status ${status}`, {
    kind: kindOf(status, code, region),
    status,
    code,
    region,
    serverDate: headerText(headers, 'date'),
    location: status >= 300 && status < 400 ? headerText(headers, 'location') : undefined,
  });
}

function kindOf(status: number, code: string, region: string | undefined): FaultKind {
  if (ENDED_CREDENTIALS.has(code)) return 'refresh';
  if (PASSING.has(code) || status === 408 || status === 429) return 'again';
  if (status >= 500 && status !== 501 && status !== 505) return 'again';
  const misplaced =
    status === 301 ||
    status === 307 ||
    code === 'AuthorizationHeaderMalformed' ||
    code === 'IllegalLocationConstraintException' ||
    // HeadBucket has no body to say it in.
    status === 400;
  return misplaced && region !== undefined ? 'region' : 'final';
}

/**
 * The fault that a failed exchange (no answer, or not all of it) tells of; null for an error that is not the
 * network's nor the disk's.
 */
export function faultOfFailure(thrown: unknown): S3Fault | null {
  if (thrown instanceof S3Fault) return thrown;
  const first: unknown = thrown instanceof AggregateError ? thrown.errors[0] : thrown;
  const code = systemCode(first);
  if (code === undefined || !(first instanceof Error) || first instanceof OptmlError || isOurFault(code))
    return null;
  const kind =
    UNREACHABLE.has(code) || isTlsCode(code) ? 'unreachable' : isFileCode(code) ? 'final' : 'again';
  return new S3Fault(first.message, { kind, code, cause: first });
}

/** Nobody can be talked to: no name, no route, no listener, no trusted certificate. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
]);

/** A wrong argument: no try will go better. */
function isOurFault(code: string): boolean {
  return code.startsWith('ERR_') && !isTlsCode(code);
}

function isTlsCode(code: string): boolean {
  return /CERT|VERIFY|ERR_TLS|ERR_SSL/.test(code);
}

function isFileCode(code: string): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO' || code === 'EFBIG';
}

export function headerText(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
