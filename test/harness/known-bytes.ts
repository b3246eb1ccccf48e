/** Bytes that look like chance and are the same each time, and what identifies them. */
import { createHash } from 'node:crypto';

export function bytesOf(seed: string, size: number): Buffer {
  return createHash('shake256', { outputLength: Math.max(1, size) })
    .update(seed)
    .digest()
    .subarray(0, size);
}

/** In the pieces of a stream. */
export async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 64 * 1024) {
    yield bytes.subarray(at, at + 64 * 1024);
    await Promise.resolve();
  }
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Works on items side by side. */
export async function pooled<T>(
  items: Iterable<T>,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  let count = 0;
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value, count++);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}
