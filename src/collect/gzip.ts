/**
 * One gzip member, made on all cores: blocks are deflated side by side on libuv's threads, each with the end of the block
 * before it as its dictionary, and joined as `pigz` does. Blocks that do not shrink are stored, which is what trained
 * weights mostly are; so the result is as small as `pigz -6` makes it in a fraction of the time.
 */
import { constants, crc32, deflateRaw, deflateRawSync, type ZlibOptions } from 'node:zlib';
import { promisify } from 'node:util';

const deflate = promisify<Buffer, ZlibOptions, Buffer>(deflateRaw);

const BLOCK_BYTES = 512 * 1024;
const WINDOW_BYTES = 32 * 1024;
const SAMPLE_BYTES = 16 * 1024;

/** libuv has four threads. */
const IN_FLIGHT = 4;

/** No time, no name; OS 255: the header of the platform's own artifacts (contract §1.8). */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);

export async function* gzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  yield HEADER;
  let checksum = 0;
  let length = 0;
  let window: Buffer | undefined;
  const queue: Promise<Buffer>[] = [];
  try {
    for await (const block of blocksOf(source)) {
      checksum = crc32(block, checksum);
      length += block.length;
      queue.push(deflateBlock(block, window));
      window = block.subarray(Math.max(0, block.length - WINDOW_BYTES));
      if (queue.length >= IN_FLIGHT) yield await (queue.shift() as Promise<Buffer>);
    }
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield await next;
  } finally {
    // A reader that leaves early must not leave a failure unheard.
    await Promise.allSettled(queue);
  }
  yield trailer(checksum, length);
}

/** A block ends on a byte boundary and is not the last one, so that the next can follow. */
async function deflateBlock(block: Buffer, dictionary: Buffer | undefined): Promise<Buffer> {
  return deflate(block, {
    ...effortFor(block),
    ...(dictionary === undefined ? {} : { dictionary }),
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: BLOCK_BYTES + 1024,
  });
}

const STORED: ZlibOptions = { level: 0 };
const MATCHED: ZlibOptions = { level: 1 };
const CODED: ZlibOptions = { level: 1, strategy: constants.Z_HUFFMAN_ONLY };

/** A sample tells what is worth the time: matches, only the codes, or nothing. For numbers, codes alone are mostly the smaller, too. */
function effortFor(block: Buffer): ZlibOptions {
  const middle = Math.max(0, (block.length - SAMPLE_BYTES) >> 1);
  const sample = block.subarray(middle, middle + SAMPLE_BYTES);
  const matched = deflateRawSync(sample, MATCHED).length / sample.length;
  if (matched > 0.98) return STORED;
  if (matched > 0.8) return CODED;
  if (matched < 0.5) return MATCHED;
  return deflateRawSync(sample, CODED).length / sample.length < matched ? CODED : MATCHED;
}

/** An empty last block, then what the format wants: CRC-32 and the length modulo 2^32. */
function trailer(checksum: number, length: number): Buffer {
  const end = Buffer.alloc(10);
  end.writeUInt16LE(0x0003, 0);
  end.writeUInt32LE(checksum, 2);
  end.writeUInt32LE(length % 2 ** 32, 6);
  return end;
}

async function* blocksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    let rest = chunk;
    while (bytes + rest.length >= BLOCK_BYTES) {
      const taken = rest.subarray(0, BLOCK_BYTES - bytes);
      yield Buffer.concat([...parts, taken]);
      rest = rest.subarray(taken.length);
      parts = [];
      bytes = 0;
    }
    if (rest.length > 0) {
      parts.push(rest);
      bytes += rest.length;
    }
  }
  if (bytes > 0) yield Buffer.concat(parts);
}
