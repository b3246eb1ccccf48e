/** A multipart upload: begun, fed with parts in any order, then completed or abandoned. */

import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ObjectAddress, UploadOptions } from '../port.js';
import { encodeCrc } from './checksum.js';
import type { S3Client } from './client.js';
import { faultOfAnswer, headerText, S3Fault } from './fault.js';
import { MOST_PARTS, type Part } from './part-buffer.js';
import { abandonTwins, abandonUpload } from './unfinished.js';
import { readUploadId, writeCompletion, type FinishedPart } from './xml.js';

export interface Multipart {
  /** Sends one part, again if need be. */
  send(part: Part, signal: AbortSignal): Promise<void>;
  /** Makes the object of all parts sent; `size` is their sum. */
  complete(size: number): Promise<void>;
  /** Leaves nothing in the store. Never throws: the reason for it is what counts. */
  abandon(): Promise<void>;
}

/** Joining thousands of parts takes a server minutes before its first byte. */
const COMPLETION_MS = 10 * 60_000;
const ABANDON_MS = 10_000;
const BEGIN_MS = 60_000;

/** Said of a list of parts that is right when it leaves here: some servers read it before they look at its hash. */
const DAMAGED = new Set(['MalformedXML', 'InvalidPart', 'InvalidPartOrder', 'EntityTooSmall']);

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export async function createMultipart(
  client: S3Client,
  {
    address,
    headers,
    signal,
    onBegun,
  }: {
    readonly address: ObjectAddress;
    readonly headers: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
    readonly onBegun?: UploadOptions['onBegun'];
  },
): Promise<Multipart> {
  const start = performance.now();
  let begun = 0;
  // The signal ends the retries, but cuts no try: the id of an upload that had begun would be lost.
  const { body } = await client.retrying(signal, () => {
    begun++;
    return client.once({
      method: 'POST',
      ...address,
      query: { uploads: '' },
      headers: { ...headers, 'x-amz-checksum-algorithm': 'CRC32' },
      signal: AbortSignal.timeout(BEGIN_MS),
    });
  });
  const withinMs = performance.now() - start;
  const uploadId = readUploadId(body.toString());
  if (uploadId === undefined)
    throw new S3Fault('the answer has no upload id', { kind: 'final', code: 'NotS3' });
  const upload = { ...address, id: uploadId };
  const finished: FinishedPart[] = [];

  async function send({ partNumber, bytes }: Part, partSignal: AbortSignal): Promise<void> {
    if (partNumber > MOST_PARTS)
      throw new S3Fault('the object is larger than 5 TiB', { kind: 'final', code: 'EntityTooLarge' });
    const crc = encodeCrc(crc32(bytes));
    const answer = await client.call({
      method: 'PUT',
      ...address,
      query: { partNumber: String(partNumber), uploadId: uploadId ?? '' },
      headers: { 'x-amz-checksum-crc32': crc },
      body: bytes,
      signal: partSignal,
    });
    const etag = headerText(answer.headers, 'etag');
    if (etag === undefined)
      throw new S3Fault(`part ${partNumber} was answered without an ETag`, { kind: 'final', code: 'NotS3' });
    finished.push({ partNumber, etag, crc32: crc });
  }

  async function complete(size: number): Promise<void> {
    const parts = finished.sort((a, b) => a.partNumber - b.partNumber);
    const completion = Buffer.from(writeCompletion(parts));
    const digest = hash('sha256', completion);
    let tries = 0;
    await client.retrying(signal, async () => {
      tries++;
      try {
        const answer = await client.once({
          method: 'POST',
          ...address,
          query: { uploadId: uploadId ?? '' },
          // No checksum header covers this document: a part in it that is damaged on the way must not be another part.
          headers: { 'content-type': 'application/xml', 'x-amz-content-sha256': digest },
          body: completion,
          firstByteMs: COMPLETION_MS,
          signal,
        });
        // S3 may answer 200 first and find out later that it cannot: the body then holds the error.
        if (answer.body.includes('<Error')) throw withServerStatus(faultOfAnswer(answer));
      } catch (thrown) {
        if (thrown instanceof S3Fault && DAMAGED.has(thrown.code))
          throw new S3Fault(thrown.message, { kind: 'again', status: thrown.status, code: thrown.code });
        // The try before may have done it, with only its answer lost.
        const unknown = thrown instanceof S3Fault && thrown.code === 'NoSuchUpload' && tries > 1;
        if (!unknown || !(await isThere(size))) throw thrown;
      }
    });
  }

  async function isThere(size: number): Promise<boolean> {
    const { headers: head } = await client.call({ method: 'HEAD', ...address, signal });
    return headerText(head, 'content-length') === String(size);
  }

  async function abandon(): Promise<void> {
    // When the store cannot be asked any more, its own rule for unfinished uploads takes over.
    await abandonUpload(client, upload, AbortSignal.timeout(ABANDON_MS)).catch(() => undefined);
  }

  try {
    onBegun?.(upload);
    // A try of which only the answer was lost has begun an upload, too, and nobody knows its id. At once: some servers take
    // the time of the last part for that of the begin.
    if (begun > 1)
      await abandonTwins(client, { upload, withinMs, signal: AbortSignal.timeout(ABANDON_MS) }).catch(
        () => undefined,
      );
  } catch (thrown) {
    await abandon();
    throw thrown;
  }
  return { send, complete, abandon };
}

function withServerStatus(fault: S3Fault): S3Fault {
  const kind =
    fault.code === 'InternalError' || fault.code === 'SlowDown' || fault.code === 'ServiceUnavailable';
  return new S3Fault(fault.message, { kind: kind ? 'again' : fault.kind, status: 500, code: fault.code });
}
