/** GetObject into a new file: one request when all goes well, and nothing but whole, verified files. */

import { asOptmlError, OptmlError, systemCode } from '../../errors.js';
import { alreadyThere } from '../file-object.js';
import { digestFor, type Digest } from './checksum.js';
import type { S3Client } from './client.js';
import { downloadLarge } from './download-large.js';
import { explain } from './explain.js';
import type { FileWriter } from './file-writer.js';
import { assertSame, assertWhole, getRequest, type DownloadRequest } from './get-object.js';
import type { Sink } from './transport.js';

/** Up to here a body is held in memory, and written in one call when it is known to be right. */
export const HELD = 1024 * 1024;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export async function downloadObject(
  client: S3Client,
  files: FileWriter,
  request: DownloadRequest,
): Promise<void> {
  const { object, signal } = request;
  try {
    if (object.size !== null && object.size <= HELD) await downloadSmall(client, files, request);
    else await downloadLarge(client, request);
  } catch (thrown) {
    signal.throwIfAborted();
    if (systemCode(thrown) === 'EEXIST') throw alreadyThere(object, request.file);
    const said = explain(thrown, client.endpoint, { verb: 'read', address: object });
    throw said instanceof OptmlError ? said : asOptmlError(said);
  }
}

async function downloadSmall(
  client: S3Client,
  files: FileWriter,
  { object, file, signal, onBytes }: DownloadRequest,
): Promise<void> {
  // What the disk refuses is not asked for again: the promise is not the request's.
  const { written } = await fetchSmall(client, { object, signal }, chunks => {
    const writing = files.write(file, chunks);
    // It may fail before anybody waits for it.
    writing.catch(() => undefined);
    return { written: writing };
  });
  await written;
  if (object.size !== null && object.size > 0) onBytes?.(object.size);
}

/**
 * The bytes of an object that are few enough to be held; a damaged body is fetched again. `use` has them, known to be right,
 * until it returns.
 */
export function fetchSmall<T>(
  client: S3Client,
  { object, signal }: { readonly object: DownloadRequest['object']; readonly signal: AbortSignal },
  use: (chunks: readonly Buffer[]) => T,
): Promise<T> {
  return client.retrying(signal, async () => {
    const held: Buffer[] = [];
    let digest: Digest | null = null;
    let size = 0;
    let used: { readonly value: T } | undefined;
    /** No more can come than is announced. */
    let announced = false;
    const sink: Sink = {
      onHead(_status, headers) {
        assertSame(object, headers);
        announced = headers['content-length'] !== undefined && headers['transfer-encoding'] === undefined;
        digest = digestFor(headers, object.etag ?? '');
      },
      onChunk(chunk) {
        size += chunk.length;
        digest?.update(chunk);
        // Mostly it comes in one, which need not be copied.
        if (announced && chunk.length === object.size) {
          assertWhole({ size, object, digest });
          used = { value: use([chunk]) };
        } else held.push(Buffer.from(chunk));
        return undefined;
      },
    };
    await client.once({ ...getRequest(object, signal), sink });
    if (used !== undefined) return used.value;
    assertWhole({ size, object, digest });
    return use(held);
  });
}
