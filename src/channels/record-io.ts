/**
 * RecordIO as MXNet frames it, little endian (contract §1.6): magic, flags and length, the payload, zeros up to a multiple of
 * four. A payload that a 29-bit length cannot say goes out in several parts.
 */

const MAGIC = 0xced7230a;

/** The longest part: below 2^29, and a multiple of four, so that only the last part is padded. */
const LONGEST = 2 ** 29 - 4;

const WHOLE = 0;
const FIRST = 1;
const MIDDLE = 2;
const LAST = 3;

/** One record of a payload of `size` bytes, in the chunks in which it comes; nothing is copied. */
export async function* recordOf(
  size: number,
  pieces: AsyncIterable<readonly Uint8Array[]>,
  longest = LONGEST,
): AsyncGenerator<readonly Uint8Array[]> {
  const parts = Math.max(1, Math.ceil(size / longest));
  let part = 0;
  let left = 0;
  /** The header of the next part, which takes what is left to it. */
  const begin = (): Uint8Array => {
    left = Math.min(longest, size - part * longest);
    const flag = parts === 1 ? WHOLE : part === 0 ? FIRST : part === parts - 1 ? LAST : MIDDLE;
    part += 1;
    return header(flag, left);
  };
  let out = [begin()];
  for await (const piece of pieces) {
    for (let chunk of piece) {
      while (chunk.length > left) {
        out.push(chunk.subarray(0, left));
        chunk = chunk.subarray(left);
        out.push(begin());
      }
      out.push(chunk);
      left -= chunk.length;
    }
    yield out;
    out = [];
  }
  const padding = (4 - (size % 4)) % 4;
  if (padding > 0) out.push(new Uint8Array(padding));
  if (out.length > 0) yield out;
}

function header(flag: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(((flag << 29) | length) >>> 0, 4);
  return bytes;
}
