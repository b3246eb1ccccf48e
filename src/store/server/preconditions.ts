/** If-Match and its kin. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html */

import { UNCONDITIONAL, type Condition, type Outcome } from '../embedded/object-files.js';
import { headerOf, type S3Request } from './request.js';
import { notImplemented, S3Error } from './s3-error.js';

export interface Validators {
  readonly etag: string;
  /** Milliseconds since 1970, of a whole second. */
  readonly modified: number;
}

/** Should the object be sent? Throws PreconditionFailed; `unchanged` stands for 304. `prefix` is that of the headers. */
export function checkPreconditions(request: S3Request, found: Validators, prefix = ''): 'send' | 'unchanged' {
  const match = headerOf(request, `${prefix}if-match`);
  const unmodified = timeIn(request, `${prefix}if-unmodified-since`);
  if (match !== undefined) {
    if (!names(match, found.etag)) throw failed('If-Match');
  } else if (unmodified !== null && found.modified > unmodified) throw failed('If-Unmodified-Since');
  const noneMatch = headerOf(request, `${prefix}if-none-match`);
  const modified = timeIn(request, `${prefix}if-modified-since`);
  if (noneMatch !== undefined) return names(noneMatch, found.etag) ? 'unchanged' : 'send';
  return modified !== null && found.modified <= modified ? 'unchanged' : 'send';
}

/** Does the list of ETags have this one? */
function names(list: string, etag: string): boolean {
  return list.split(',').some(one => one.trim() === '*' || unquoted(one) === etag);
}

export function unquoted(etag: string): string {
  return etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');
}

function timeIn(request: S3Request, name: string): number | null {
  const time = Date.parse(headerOf(request, name) ?? '');
  return Number.isNaN(time) ? null : time;
}

function failed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', undefined, { details: { Condition: condition } });
}

/** The condition of a write. S3 knows `If-None-Match: *` and `If-Match: ETAG`, and no dates. */
export function writeCondition(request: S3Request): Condition {
  const match = headerOf(request, 'if-match');
  const noneMatch = headerOf(request, 'if-none-match');
  if (noneMatch !== undefined) {
    if (noneMatch.trim() !== '*' || match !== undefined)
      throw notImplemented('A write with If-None-Match other than *, or with both conditions,');
    return { kind: 'absent' };
  }
  return match === undefined ? UNCONDITIONAL : { kind: 'etag', etag: unquoted(match) };
}

/** Throws what S3 says of a write whose condition did not hold. */
export function assertDone(outcome: Outcome, key: string): void {
  if (outcome === 'exists') throw failed('If-None-Match');
  if (outcome === 'changed') throw failed('If-Match');
  if (outcome === 'missing') throw new S3Error('NoSuchKey', undefined, { details: { Key: key } });
}
