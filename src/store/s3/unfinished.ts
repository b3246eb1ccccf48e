/** Uploads in parts that were begun and will not be completed: a store holds, and bills, their parts until they are aborted. */

import type { UnfinishedUpload } from '../port.js';
import type { S3Client } from './client.js';
import { explain } from './explain.js';
import { S3Fault } from './fault.js';
import { readUploads } from './xml.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
export async function abandonUpload(
  client: S3Client,
  { bucket, key, id }: UnfinishedUpload,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.call({ method: 'DELETE', bucket, key, query: { uploadId: id }, signal });
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof S3Fault && ['NoSuchUpload', 'NoSuchBucket'].includes(thrown.code)) return;
    throw explain(thrown, client.endpoint, { verb: 'abandon', address: { bucket, key } });
  }
}

/** Times in a listing may be cut to the second. */
const ROUNDING_MS = 1_000;

/**
 * Ends the uploads of the same key that were begun at most so long before this one, by the server's clock: tries to begin it,
 * of which only the answer was lost.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
 */
export async function abandonTwins(
  client: S3Client,
  {
    upload,
    withinMs,
    signal,
  }: { readonly upload: UnfinishedUpload; readonly withinMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { bucket, key, id } = upload;
  const query = { uploads: '', prefix: key, 'encoding-type': 'url' };
  const { body } = await client.call({ method: 'GET', bucket, query, signal });
  const found = readUploads(body.toString()).filter(one => one.key === key);
  const own = found.find(one => one.id === id);
  if (own === undefined) return;
  const first = own.initiated - withinMs - ROUNDING_MS;
  for (const twin of found)
    if (twin.id !== id && twin.initiated >= first && twin.initiated <= own.initiated)
      await abandonUpload(client, { bucket, key, id: twin.id }, signal);
}
