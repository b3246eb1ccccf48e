import { execFileSync } from 'node:child_process';
import { createHash, randomBytes, randomFillSync } from 'node:crypto';
import { deflateRawSync, gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { gzip } from '../../src/collect/gzip.js';

async function pack(chunks: Iterable<Uint8Array>): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const chunk of gzip(streamOf(chunks))) out.push(chunk);
  return Buffer.concat(out);
}

async function* streamOf(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

const TEXT = Buffer.from('the same words again and again, '.repeat(100_000));

test.each([
  ['nothing', []],
  ['one byte', [Buffer.from('a')]],
  ['empty chunks between others', [Buffer.alloc(0), Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c')]],
  ['text over many blocks', [TEXT]],
  ['bytes that do not shrink', [randomBytes(3_000_000)]],
  [
    'a mix of both in odd chunks',
    [TEXT.subarray(0, 700_001), randomBytes(600_003), TEXT.subarray(5, 999_999), randomBytes(1)],
  ],
  ['exactly one block', [Buffer.alloc(512 * 1024, 7)]],
])('%s comes back as it was', async (_name, chunks) => {
  const whole = Buffer.concat(chunks);
  const packed = await pack(chunks);
  expect(gunzipSync(packed).equals(whole)).toBe(true);
});

test('gzip itself finds nothing wrong with it', async () => {
  const packed = await pack([TEXT, randomBytes(700_000), TEXT]);
  const plain = execFileSync('gzip', ['-dc'], { input: packed, maxBuffer: 64 * 1024 * 1024 });
  expect(createHash('sha256').update(plain).digest('hex')).toBe(
    createHash('sha256')
      .update(TEXT)
      .update(plain.subarray(TEXT.length, TEXT.length + 700_000))
      .update(TEXT)
      .digest('hex'),
  );
});

test('the header has no time, no name, and OS 255, as the platform writes it', async () => {
  const packed = await pack([Buffer.from('a')]);
  expect([...packed.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
});

test('text shrinks, and what cannot shrink does not grow by more than a thousandth', async () => {
  expect((await pack([TEXT])).length).toBeLessThan(TEXT.length / 50);
  const noise = randomBytes(5_000_000);
  expect((await pack([noise])).length).toBeLessThan(noise.length * 1.001);
});

test('numbers of which only some bytes are noise come smaller than matches make them', async () => {
  const numbers = Buffer.alloc(2_000_000);
  for (let at = 0; at < numbers.length; at += 4) randomFillSync(numbers, at + 2, 2);
  const packed = await pack([numbers]);
  expect(packed.length).toBeLessThan(deflateRawSync(numbers, { level: 6 }).length);
  expect(gunzipSync(packed).equals(numbers)).toBe(true);
});

test('an error of the source comes through, and a reader may leave early', async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield TEXT;
    throw new Error('the disk is gone');
  }
  const all = async (): Promise<void> => {
    for await (const chunk of gzip(failing())) expect(chunk.length).toBeGreaterThan(0);
  };
  await expect(all()).rejects.toThrow('the disk is gone');
  for await (const chunk of gzip(streamOf([TEXT, TEXT]))) {
    expect(chunk.length).toBe(10);
    break;
  }
});
