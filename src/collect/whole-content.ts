/** The content of a file that a container may be writing: all of one state of it, or an error. */
import type { FileHandle } from 'node:fs/promises';
import { stampOf } from './output-entry.js';

const READ_BYTES = 512 * 1024;

export class ChangedWhileSent extends Error {}

/** Throws ChangedWhileSent where the file is not what `size` and `stamp` say, up to its last byte. */
export async function* wholeContent(
  handle: FileHandle,
  size: number,
  stamp: string,
): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < size;) {
    const length = Math.min(READ_BYTES, size - position);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, position);
    if (bytesRead === 0) throw new ChangedWhileSent();
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  if (stampOf(await handle.stat()) !== stamp) throw new ChangedWhileSent();
}
