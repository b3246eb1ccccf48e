/** The framing of RecordIO, part by part (contract §1.6). */
import { expect, test } from 'vitest';
import { recordOf } from '../../src/channels/record-io.js';

async function* pieces(...sizes: number[]): AsyncGenerator<Uint8Array[]> {
  let next = 0;
  for (const size of sizes) yield [await Promise.resolve(Uint8Array.from({ length: size }, () => next++))];
}

async function framed(size: number, longest: number, ...sizes: number[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const piece of recordOf(size, pieces(...sizes), longest)) chunks.push(...piece);
  return Buffer.concat(chunks);
}

/** Flag and payload of each part; asserts magic and padding. */
function partsOf(bytes: Buffer): { flag: number; payload: number[] }[] {
  const parts = [];
  for (let at = 0; at < bytes.length;) {
    expect(bytes.readUInt32LE(at)).toBe(0xced7230a);
    const word = bytes.readUInt32LE(at + 4);
    const length = word & 0x1fffffff;
    const end = at + 8 + length;
    const padded = Math.ceil(end / 4) * 4;
    expect(bytes.subarray(end, padded).every(byte => byte === 0)).toBe(true);
    parts.push({ flag: word >>> 29, payload: [...bytes.subarray(at + 8, end)] });
    at = padded;
  }
  return parts;
}

test.each([0, 1, 3, 4, 5])('a payload of %i bytes is one whole part, padded to four', async size => {
  const payload = Array.from({ length: size }, (_, index) => index);
  expect(partsOf(await framed(size, 1000, size))).toEqual([{ flag: 0, payload }]);
});

test('one that is too long for a length goes out as first, middle and last part', async () => {
  const parts = partsOf(await framed(21, 8, 5, 10, 6));
  expect(parts.map(part => part.flag)).toEqual([1, 2, 3]);
  expect(parts.map(part => part.payload.length)).toEqual([8, 8, 5]);
  expect(parts.flatMap(part => part.payload)).toEqual(Array.from({ length: 21 }, (_, index) => index));
});

test('one that fills its parts exactly has no empty one behind', async () => {
  expect(partsOf(await framed(16, 8, 16)).map(part => [part.flag, part.payload.length])).toEqual([
    [1, 8],
    [3, 8],
  ]);
});
