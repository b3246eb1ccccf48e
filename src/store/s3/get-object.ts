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
      ...(object.etag === null || object.etag === '' ? {} : { 'if-match': `"${object.etag}"` }),
    },
    signal,
  };
}

/**
 * The object that this answer is about, with the ETag and size by which further answers are held to it.
 * Throws OBJECT_CHANGED when it is another one than was asked for: some servers do not look at If-Match.
 */
export function assertSame<T extends ObjectAddress & ListedObject>(object: T, headers: Headers): T {
  const etag = withoutQuotes(headerText(headers, 'etag') ?? '');
  if (etag !== '' && object.etag !== null && object.etag !== '' && etag !== object.etag)
    throw changed(object, `its ETag was ${object.etag} and is ${etag}`);
  const range = headerText(headers, 'content-range');
  const total = range === undefined ? headerText(headers, 'content-length') : range.split('/')[1];
  const size = total === undefined || total === '*' ? null : Number(total);
  if (size !== null && object.size !== null && size !== object.size)
    throw changed(object, `it had ${object.size} bytes and has ${size}`);
  return { ...object, etag: object.etag ?? etag, size: object.size ?? size };
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
  const complete = object.size === null || size === object.size;
  const wrong = complete ? digest?.mismatch() : `${size} of ${object.size} bytes`;
  if (typeof wrong === 'string')
    throw new S3Fault(`the body arrived damaged (${wrong})`, { kind: 'again', code: 'BadBody' });
}
