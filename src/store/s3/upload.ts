/** One object: PutObject for bytes that are held and for a short stream, else a multipart upload. */

import { crc32 } from 'node:zlib';
import { isFile, readUntilAborted } from '../body.js';
import type { ObjectAddress, UploadBody, UploadOptions } from '../port.js';
import { encodeCrc } from './checksum.js';
import type { S3Client } from './client.js';
import { explain } from './explain.js';
import { createMultipart, type Multipart } from './multipart.js';
import {
  createBufferPool,
  cutIntoParts,
  partsInFlight,
  partsOfFile,
  partSize,
  type Part,
} from './part-buffer.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export async function uploadObject(
  client: S3Client,
  request: {
    readonly address: ObjectAddress;
    readonly body: UploadBody;
    readonly options: UploadOptions;
  },
): Promise<void> {
  const { address, body, options } = request;
  if (body instanceof Uint8Array && body.length <= partSize(1)) {
    await uploadHeld(client, address, body, options);
    return;
  }
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const pool = createBufferPool();
  const headers = headersOf(options);
  const flights = new Set<Promise<void>>();
  let multipart: Multipart | undefined;
  let sent = 0;
  try {
    const parts = isFile(body) ? partsOfFile(body, pool) : cutIntoParts(readUntilAborted(body, signal), pool);
    for await (const part of parts) {
      signal.throwIfAborted();
      sent += part.bytes.length;
      if (part.last && part.partNumber === 1) {
        await putWhole(client, { address, headers, bytes: part.bytes, signal });
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

async function uploadHeld(
  client: S3Client,
  address: ObjectAddress,
  bytes: Uint8Array,
  options: UploadOptions,
): Promise<void> {
  try {
    await putWhole(client, { address, headers: headersOf(options), bytes, signal: options.signal });
    options.onBytes?.(bytes.length);
  } catch (thrown) {
    throw explain(thrown, client.endpoint, { verb: 'write', address, kmsKeyId: options.kmsKeyId });
  }
}

async function putWhole(
  client: S3Client,
  {
    address,
    headers,
    bytes,
    signal,
  }: {
    readonly address: ObjectAddress;
    readonly headers: Readonly<Record<string, string>>;
    readonly bytes: Uint8Array;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  await client.call({
    method: 'PUT',
    ...address,
    headers: { ...headers, 'x-amz-checksum-crc32': encodeCrc(crc32(bytes)) },
    body: bytes,
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
