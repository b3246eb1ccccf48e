/** ListObjectsV2, page after page. */

import type { StoredObject, ObjectAddress } from '../port.js';
import type { S3Client } from './client.js';
import { explain } from './explain.js';
import { S3Fault } from './fault.js';
import { readListPage, type ListPage } from './xml.js';

/**
 * All objects below the prefix, in the server's order. The next page is asked for while this one is being read.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export async function* listObjects(
  client: S3Client,
  prefix: ObjectAddress,
  signal: AbortSignal,
): AsyncGenerator<StoredObject> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  try {
    let page = await readPage(client, prefix, { continuation: undefined, signal: either });
    for (;;) {
      const { continuation, objects } = page;
      const next =
        continuation === undefined ? undefined : readPage(client, prefix, { continuation, signal: either });
      // Whoever stops reading half-way never looks at the next page, nor at its failure.
      next?.catch(() => undefined);
      // `yield*` would make a promise more for each.
      for (const object of objects) yield object;
      if (next === undefined) return;
      page = await next;
    }
  } catch (thrown) {
    signal.throwIfAborted();
    throw explain(thrown, client.endpoint, { verb: 'list', address: prefix });
  } finally {
    stop.abort();
  }
}

async function readPage(
  client: S3Client,
  { bucket, key }: ObjectAddress,
  { continuation, signal }: { readonly continuation: string | undefined; readonly signal: AbortSignal },
): Promise<ListPage> {
  return client.retrying(signal, async () => {
    const { body } = await client.once({
      method: 'GET',
      bucket,
      query: {
        'list-type': '2',
        'encoding-type': 'url',
        prefix: key,
        ...(continuation === undefined ? {} : { 'continuation-token': continuation }),
      },
      signal,
    });
    const page = readListPage(body.toString());
    if (page === null) throw new S3Fault('the answer is not a listing', { kind: 'final', code: 'NotS3' });
    if (page === 'damaged')
      throw new S3Fault('the listing arrived damaged', { kind: 'again', code: 'BadListing' });
    if (page.continuation === '' || (page.continuation !== undefined && page.continuation === continuation))
      throw new S3Fault('the listing goes on but does not say where', { kind: 'final', code: 'BadListing' });
    return page;
  });
}
