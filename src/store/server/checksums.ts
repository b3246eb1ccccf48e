/** The checksums that S3 takes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export const ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Bytes of a checksum. */
export const CHECKSUM_BYTES: Readonly<Record<Algorithm, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
};

/** `CRC32` in any case; null for what is none. */
export function algorithmNamed(name: string): Algorithm | null {
  const lower = name.trim().toLowerCase();
  return ALGORITHMS.find(one => one === lower) ?? null;
}

export interface Checksum {
  update(chunk: Uint8Array): void;
  digest(): Promise<Buffer>;
}

export async function startChecksum(algorithm: Algorithm): Promise<Checksum> {
  if (algorithm === 'crc32') return startCrc32();
  if (algorithm === 'sha1' || algorithm === 'sha256') {
    const state = createHash(algorithm);
    return { update: chunk => void state.update(chunk), digest: () => Promise.resolve(state.digest()) };
  }
  // Few clients ask for these two, and loading them takes as long as many requests.
  const { Crc32c, Crc64Nvme } = await import('@aws-sdk/checksums/crc');
  const state = algorithm === 'crc32c' ? new Crc32c() : new Crc64Nvme();
  return { update: chunk => state.update(chunk), digest: async () => Buffer.from(await state.digest()) };
}

function startCrc32(): Checksum {
  let value = 0;
  return {
    update(chunk) {
      // Of an empty buffer without memory behind it crc32 forgets the value so far.
      if (chunk.length > 0) value = crc32(chunk, value);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return Promise.resolve(bytes);
    },
  };
}

/** The polynomials, lowest power in the highest bit. */
const POLYNOMIALS: Partial<Record<Algorithm, { readonly bits: bigint; readonly polynomial: bigint }>> = {
  crc32: { bits: 32n, polynomial: 0xedb88320n },
  crc32c: { bits: 32n, polynomial: 0x82f63b78n },
  crc64nvme: { bits: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
};

/** Can the checksum of a whole be had from those of its parts? */
export function isCombinable(algorithm: Algorithm): boolean {
  return POLYNOMIALS[algorithm] !== undefined;
}

/** The CRC of parts put together, from their CRCs and sizes. Throws for an algorithm that is no CRC. */
export function combineChecksums(
  algorithm: Algorithm,
  parts: readonly { readonly value: Buffer; readonly size: number }[],
): Buffer {
  const ring = POLYNOMIALS[algorithm];
  if (ring === undefined) throw new TypeError(`${algorithm} cannot be combined`);
  const shifts = new Map<number, bigint>();
  let whole = 0n;
  for (const { value, size } of parts) {
    let shift = shifts.get(size);
    if (shift === undefined) shifts.set(size, (shift = powerOfX(BigInt(size) * 8n, ring)));
    whole = multiply(whole, shift, ring) ^ BigInt(`0x${value.toString('hex')}`);
  }
  return Buffer.from(whole.toString(16).padStart(Number(ring.bits) / 4, '0'), 'hex');
}

interface Ring {
  readonly bits: bigint;
  readonly polynomial: bigint;
}

/** x to that power, modulo the polynomial. */
function powerOfX(exponent: bigint, ring: Ring): bigint {
  let result = 1n << (ring.bits - 1n);
  let square = 1n << (ring.bits - 2n);
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = multiply(result, square, ring);
    square = multiply(square, square, ring);
  }
  return result;
}

function multiply(a: bigint, b: bigint, { bits, polynomial }: Ring): bigint {
  let product = 0n;
  let factor = b;
  for (let bit = 1n << (bits - 1n); bit > 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) product ^= factor;
    factor = (factor & 1n) === 1n ? (factor >> 1n) ^ polynomial : factor >> 1n;
  }
  return product;
}
