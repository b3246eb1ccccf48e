/** What is refused before an operation begins: rights, names, sizes, headers for things that are not here. */

import type { Context } from './context.js';
import { assertBucket } from './context.js';
import { refuseUnbuiltHeaders } from './object-headers.js';
import { S3Error } from './s3-error.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const KEY_BYTES = 1024;

export function screen(context: Context): void {
  const { operation, request, caller } = context;
  const { bucket, key } = request;
  if (caller.key.may?.({ operation, bucket, key }) === false) throw new S3Error('AccessDenied');
  refuseUnbuiltHeaders(request);
  const bytes = Buffer.byteLength(key);
  if (bytes > KEY_BYTES)
    throw new S3Error('KeyTooLongError', undefined, {
      details: { Size: String(bytes), MaxSizeAllowed: String(KEY_BYTES) },
    });
  if (operation !== 'ListBuckets' && operation !== 'CreateBucket') assertBucket(context, bucket);
}
