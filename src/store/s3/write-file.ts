/** Small files, each made whole or not at all. */

import { closeSync, fchmodSync, openSync, rmSync, writevSync } from 'node:fs';

/** Throws the system's error, as EEXIST where something has that name; nothing of the file is left then. */
export function writeFileWhole(file: string, chunks: readonly Uint8Array[]): void {
  const descriptor = openSync(file, 'wx', 0o644);
  try {
    fchmodSync(descriptor, 0o644);
    let rest = chunks;
    while (rest.length > 0) rest = after(rest, writevSync(descriptor, rest));
  } catch (thrown) {
    rmSync(file, { force: true });
    throw thrown;
  } finally {
    closeSync(descriptor);
  }
}

/** What is left of the chunks when so many bytes have been written. */
function after(chunks: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written;
  for (const [index, chunk] of chunks.entries()) {
    if (left < chunk.length) return [chunk.subarray(left), ...chunks.slice(index + 1)];
    left -= chunk.length;
  }
  return [];
}
