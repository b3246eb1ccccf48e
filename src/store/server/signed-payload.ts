/** What `x-amz-content-sha256` says of the body. */

import { UNSIGNED_PAYLOAD } from '../../aws/payload-hash.js';
import type { ChunkSigning, Payload } from './caller.js';
import { notImplemented, S3Error } from './s3-error.js';

const HASH = /^[0-9a-f]{64}$/i;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html */
export function readPayload(value: string, signing: ChunkSigning): Payload {
  switch (value) {
    case UNSIGNED_PAYLOAD:
      return { kind: 'unsigned' };
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { kind: 'chunked', signing: null, trailer: true };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return { kind: 'chunked', signing, trailer: false };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { kind: 'chunked', signing, trailer: true };
    default:
      if (HASH.test(value)) return { kind: 'hash', hash: value.toLowerCase() };
      if (value.startsWith('STREAMING-')) throw notImplemented(value.slice(0, 100));
      throw new S3Error(
        'InvalidArgument',
        'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 value.',
      );
  }
}
