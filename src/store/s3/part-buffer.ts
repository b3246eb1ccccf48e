/** A body, cut into parts of a size that the multipart upload wants. */

import type { FileBody } from '../port.js';

const MIB = 1024 * 1024;
const FIRST_PART = 8 * MIB;
const PARTS_A_STEP = 1_000;
const LARGEST_PART = 2048 * MIB;
/** S3 takes no more parts than this. */
export const MOST_PARTS = 10_000;

/**
 * Bytes of the part with this number, from 1. The size doubles every 1,000 parts, so that the 10,000 parts that S3
 * takes hold more than the 5 TiB that it takes.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
export function partSize(partNumber: number): number {
  return Math.min(LARGEST_PART, FIRST_PART * 2 ** Math.floor((partNumber - 1) / PARTS_A_STEP));
}

const IN_FLIGHT = 4;
const IN_FLIGHT_BYTES = 64 * MIB;

/** How many parts of this size may be under way at once. */
export function partsInFlight(bytes: number): number {
  return Math.max(1, Math.min(IN_FLIGHT, Math.floor(IN_FLIGHT_BYTES / bytes)));
}

export interface Part {
  readonly partNumber: number;
  readonly bytes: Buffer;
  /** No byte comes after this part. */
  readonly last: boolean;
}

/** Buffers of finished parts, for the next ones. */
export interface BufferPool {
  take(bytes: number): Buffer;
  give(buffer: Buffer): void;
}

export function createBufferPool(): BufferPool {
  const free: Buffer[] = [];
  return {
    take(bytes) {
      const found = free.pop();
      return found?.length === bytes ? found : Buffer.allocUnsafeSlow(bytes);
    },
    give: buffer => void free.push(buffer),
  };
}

/** So much is taken at first: most outputs are small. */
const SMALL = 64 * 1024;

/**
 * Cuts the stream into parts; an empty stream is one empty part. A part is handed out when it is full and another
 * byte has come, or at the end. Whoever takes a part gives its buffer (`part.bytes` may be the front of it) back to
 * the pool when no try needs it any more.
 */
export async function* cutIntoParts(
  body: AsyncIterable<Uint8Array>,
  pool: BufferPool,
): AsyncGenerator<Part & { readonly buffer: Buffer }> {
  let partNumber = 1;
  let buffer: Buffer = Buffer.allocUnsafeSlow(SMALL);
  let filled = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length;) {
      const full = partSize(partNumber);
      if (filled === full) {
        yield { partNumber, bytes: buffer, last: false, buffer };
        partNumber++;
        buffer = pool.take(partSize(partNumber));
        filled = 0;
        continue;
      }
      if (filled === buffer.length) buffer = grown(buffer, full);
      const count = Math.min(chunk.length - at, buffer.length - filled);
      buffer.set(chunk.subarray(at, at + count), filled);
      filled += count;
      at += count;
    }
  }
  yield { partNumber, bytes: buffer.subarray(0, filled), last: true, buffer };
}

/** The parts of a file, each read in one call. */
export async function* partsOfFile(
  file: FileBody,
  pool: BufferPool,
): AsyncGenerator<Part & { readonly buffer: Buffer }> {
  let offset = 0;
  for (let partNumber = 1; ; partNumber += 1) {
    const buffer = pool.take(partSize(partNumber));
    const count = await file.read(buffer, offset);
    offset += count;
    const last = count < buffer.length || offset >= file.size;
    yield { partNumber, bytes: buffer.subarray(0, count), last, buffer };
    if (last) return;
  }
}

function grown(buffer: Buffer, most: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.min(most, buffer.length * 4));
  larger.set(buffer);
  return larger;
}
