/** What every GetObject asks for, and what its answer must say. */

import { changed } from '../file-object.js';
import type { ListedObject, ObjectAddress } from '../port.js';
import type { Digest } from './checksum.js';
import { headerText, S3Fault, type Headers } from './fault.js';
import { withoutQuotes } from './xml.js';

export interface DownloadRequest {
  readonly object: ObjectAddress & ListedObject;
  readonly file: string;
  readonly signal: AbortSignal;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** One GetObject of exactly the object that was listed. */
export function getRequest(object: ObjectAddress & ListedObject, signal: AbortSignal) {
  return {
    method: 'GET' as const,
    bucket: object.bucket,
    key: object.key,
    headers: {
      'x-amz-checksum-mode': 'ENABLED',
      ...(object.etag === '' ? {} : { 'if-match': `"${object.etag}"` }),
    },
    signal,
  };
}

/** Throws OBJECT_CHANGED when the answer is about another object: some servers do not look at If-Match. */
export function assertSame(object: ObjectAddress & ListedObject, headers: Headers): void {
  const etag = withoutQuotes(headerText(headers, 'etag') ?? '');
  if (etag !== '' && object.etag !== '' && etag !== object.etag)
    throw changed(object, `its ETag was ${object.etag} and is ${etag}`);
  const range = headerText(headers, 'content-range');
  const total = range === undefined ? headerText(headers, 'content-length') : range.split('/')[1];
  if (total !== undefined && total !== '*' && Number(total) !== object.size)
    throw changed(object, `it had ${object.size} bytes and has ${total}`);
}

export function assertContinues(headers: Headers, offset: number): void {
  const range = headerText(headers, 'content-range') ?? '';
  if (!range.startsWith(`bytes ${offset}-`))
    throw new S3Fault(`asked for bytes from ${offset}, was given "${range}"`, {
      kind: 'final',
      code: 'BadRange',
    });
}

/** Have all bytes come, and are they right? */
export function assertWhole({
  size,
  object,
  digest,
}: {
  readonly size: number;
  readonly object: ListedObject;
  readonly digest: Digest | null;
}): void {
  const wrong = size === object.size ? digest?.mismatch() : `${size} of ${object.size} bytes`;
  if (typeof wrong === 'string')
    throw new S3Fault(`the body arrived damaged (${wrong})`, { kind: 'again', code: 'BadBody' });
}

/** What is left of the chunks when so many bytes have been written. */
export function after(chunks: readonly Buffer[], written: number): readonly Buffer[] {
  let left = written;
  for (const [index, chunk] of chunks.entries()) {
    if (left < chunk.length) return [chunk.subarray(left), ...chunks.slice(index + 1)];
    left -= chunk.length;
  }
  return [];
}
