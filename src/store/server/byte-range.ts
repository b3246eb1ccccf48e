/** The Range header. https://www.rfc-editor.org/rfc/rfc9110#section-14.2 */

import { S3Error } from './s3-error.js';

export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

const RANGE = /^bytes=(\d*)-(\d*)$/;

/**
 * The bytes that are asked for; null for the whole: for a header that is no range and, as S3 does, for several ranges.
 * Throws InvalidRange when the object has none of them.
 */
export function readRange(header: string | undefined, size: number): ByteRange | null {
  const [, first, last] = RANGE.exec(header?.replaceAll(' ', '') ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return null;
  if (first === '') {
    const length = Math.min(Number(last), size);
    if (length === 0) throw unsatisfiable(header, size);
    return { start: size - length, length };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return null;
  if (start >= size) throw unsatisfiable(header, size);
  return { start, length: end - start + 1 };
}

function unsatisfiable(header: string | undefined, size: number): S3Error {
  return new S3Error('InvalidRange', undefined, {
    details: { RangeRequested: header ?? '', ActualObjectSize: String(size) },
  });
}
