/**
 * A body on its way to another S3 server: as it is, or framed anew where its checksum comes as a trailer, so that the other
 * server keeps that checksum, too. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */

import { PassThrough, Readable } from 'node:stream';
import type { PassedBody } from '../s3/pass-on.js';
import { CHECKSUM_BYTES, type Algorithm } from './checksums.js';
import { declaredDigests } from './declared-digests.js';
import { bodyLength, readBody, type BodyOptions } from './read-body.js';

export interface RelayedBody {
  readonly body: PassedBody;
  /** What speaks of the framing. */
  readonly headers: Readonly<Record<string, string>>;
  /** Settles when all of it has come and is what was said; the stream never ends well before. */
  readonly reading: Promise<void>;
  /** Nobody reads it any more. */
  abandon(): void;
}

const CHUNK_BYTES = 64 * 1024;
const KEPT_BYTES = 1 << 20;

export function relayBody(options: BodyOptions): RelayedBody {
  const length = bodyLength(options);
  const { checksum: declared } = declaredDigests(options.request);
  const stream = new PassThrough({ highWaterMark: KEPT_BYTES });
  stream.on('error', () => undefined);
  let checksum = '';
  const reading = readBody(options, data =>
    stream.destroyed || stream.write(data) ? undefined : drained(stream),
  ).then(
    facts => {
      checksum = facts.checksum?.value ?? '';
      stream.end();
    },
    (thrown: unknown) => {
      stream.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
      throw thrown;
    },
  );
  const common = { reading, abandon: () => void stream.destroy() };
  if (declared === null || declared.value !== null)
    return { ...common, body: { stream, length }, headers: {} };
  const name = `x-amz-checksum-${declared.algorithm}`;
  return {
    ...common,
    body: {
      stream: Readable.from(framed(stream, { length, trailer: () => `${name}:${checksum}` }), {
        objectMode: false,
      }),
      length: framedLength(length, name, declared.algorithm),
      payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    },
    headers: {
      'x-amz-decoded-content-length': String(length),
      'x-amz-sdk-checksum-algorithm': declared.algorithm.toUpperCase(),
      'x-amz-trailer': name,
    },
  };
}

/** Until more can be written, or nobody reads any more; rejects with the stream's error. */
function drained(stream: PassThrough): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (thrown?: Error): void => {
      for (const event of ENDS_OF_WAITING) stream.off(event, settle);
      if (thrown === undefined) resolve();
      else reject(thrown);
    };
    for (const event of ENDS_OF_WAITING) stream.on(event, settle);
  });
}

const ENDS_OF_WAITING = ['drain', 'close', 'error'] as const;

/** The data in chunks of one size, the last one shorter. */
async function* framed(
  data: AsyncIterable<Buffer>,
  { length, trailer }: { readonly length: number; readonly trailer: () => string },
): AsyncGenerator<Buffer> {
  let done = 0;
  for await (const piece of data)
    for (let at = 0; at < piece.length;) {
      const inChunk = done % CHUNK_BYTES;
      const size = Math.min(CHUNK_BYTES, length - (done - inChunk));
      const part = piece.subarray(at, at + size - inChunk);
      if (inChunk === 0) yield Buffer.from(`${size.toString(16)}\r\n`);
      yield part;
      if (inChunk + part.length === size) yield Buffer.from('\r\n');
      at += part.length;
      done += part.length;
    }
  yield Buffer.from(`0\r\n${trailer()}\r\n\r\n`);
}

function framedLength(length: number, name: string, algorithm: Algorithm): number {
  const rest = length % CHUNK_BYTES;
  const whole = (length - rest) / CHUNK_BYTES;
  const value = 4 * Math.ceil(CHECKSUM_BYTES[algorithm] / 3);
  return (
    whole * chunkLength(CHUNK_BYTES) +
    (rest === 0 ? 0 : chunkLength(rest)) +
    `0\r\n${name}:\r\n\r\n`.length +
    value
  );
}

function chunkLength(size: number): number {
  return size.toString(16).length + size + '\r\n\r\n'.length;
}
