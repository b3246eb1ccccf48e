/** One object from a stream of unknown length: PutObject when it is short, else a multipart upload. */

import { crc32 } from 'node:zlib';
import { readUntilAborted } from '../body.js';
import type { ObjectAddress, UploadOptions } from '../port.js';
import { encodeCrc } from './checksum.js';
import type { S3Client } from './client.js';
import { explain } from './explain.js';
import { createMultipart, type Multipart } from './multipart.js';
import { createBufferPool, cutIntoParts, partsInFlight, type Part } from './part-buffer.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export async function uploadObject(
  client: S3Client,
  {
    address,
    body,
    options,
  }: {
    readonly address: ObjectAddress;
    readonly body: AsyncIterable<Uint8Array>;
    readonly options: UploadOptions;
  },
): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const pool = createBufferPool();
  const headers = headersOf(options);
  const flights = new Set<Promise<void>>();
  let multipart: Multipart | undefined;
  let sent = 0;
  try {
    for await (const part of cutIntoParts(readUntilAborted(body, signal), pool)) {
      sent += part.bytes.length;
      if (part.last && part.partNumber === 1) {
        await putWhole(client, { address, headers, part, signal });
        options.onBytes?.(part.bytes.length);
        return;
      }
      multipart ??= await createMultipart(client, { address, headers, signal, onBegun: options.onBegun });
      while (flights.size >= partsInFlight(part.bytes.length)) await Promise.race(flights);
      const flight = sendPart(multipart, part).then(() => {
        pool.give(part.buffer);
        flights.delete(flight);
      });
      // A failure ends the reading of the stream at once, also while that is waiting.
      flight.catch((thrown: unknown) => stop.abort(thrown));
      flights.add(flight);
    }
    await Promise.all(flights);
    await multipart?.complete(sent);
  } catch (thrown) {
    stop.abort(thrown);
    await Promise.allSettled(flights);
    await multipart?.abandon();
    throw explain(thrown, client.endpoint, { verb: 'write', address, kmsKeyId: options.kmsKeyId });
  }

  async function sendPart(upload: Multipart, part: Part): Promise<void> {
    await upload.send(part, signal);
    options.onBytes?.(part.bytes.length);
  }
}

async function putWhole(
  client: S3Client,
  {
    address,
    headers,
    part,
    signal,
  }: {
    readonly address: ObjectAddress;
    readonly headers: Readonly<Record<string, string>>;
    readonly part: Part;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  await client.call({
    method: 'PUT',
    ...address,
    headers: { ...headers, 'x-amz-checksum-crc32': encodeCrc(crc32(part.bytes)) },
    body: part.bytes,
    signal,
  });
}

function headersOf({ contentType, kmsKeyId }: UploadOptions): Record<string, string> {
  return {
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
    ...(kmsKeyId === undefined
      ? {}
      : {
          'x-amz-server-side-encryption': 'aws:kms',
          'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyId,
        }),
  };
}
