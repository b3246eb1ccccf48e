/** A file as an object that is read in pieces. */

import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { asOptmlError, systemCode } from '../errors.js';
import { changed, factsOf, type FileFacts } from './file-object.js';
import type { ListedObject, ObjectAddress, ObjectReading } from './port.js';

const PIECE = 1024 * 1024;

/** Throws OBJECT_CHANGED when the file is not, before and after, what the listing said; where that said nothing, what it was. */
export async function readObjectFile(
  source: string,
  object: ObjectAddress & ListedObject,
  signal: AbortSignal,
): Promise<ObjectReading> {
  signal.throwIfAborted();
  // Not waiting for anybody, should it be a FIFO by now.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(source, flags).catch((thrown: unknown) => {
    throw ['ENOENT', 'ELOOP', 'ENOTDIR'].includes(systemCode(thrown) ?? '')
      ? changed(object)
      : asOptmlError(thrown);
  });
  try {
    const facts = await factsOfOpen(handle);
    if (facts === null || !isListed(facts, object)) throw changed(object);
    return { size: facts.size, pieces: piecesOf({ handle, facts, object, signal }) };
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

async function* piecesOf({
  handle,
  facts,
  object,
  signal,
}: {
  readonly handle: FileHandle;
  readonly facts: FileFacts;
  readonly object: ObjectAddress;
  readonly signal: AbortSignal;
}): AsyncGenerator<readonly Uint8Array[]> {
  try {
    let offset = 0;
    while (offset < facts.size) {
      signal.throwIfAborted();
      const piece = Buffer.allocUnsafeSlow(Math.min(PIECE, facts.size - offset));
      const { bytesRead } = await handle.read(piece, 0, piece.length, offset);
      if (bytesRead === 0) throw changed(object);
      offset += bytesRead;
      yield [piece.subarray(0, bytesRead)];
    }
    const now = await factsOfOpen(handle);
    if (now?.etag !== facts.etag) throw changed(object);
  } finally {
    await handle.close();
  }
}

async function factsOfOpen(handle: FileHandle): Promise<FileFacts | null> {
  const stats = await handle.stat({ bigint: true });
  return stats.isFile() ? factsOf(stats) : null;
}

function isListed(facts: FileFacts, { size, etag }: ListedObject): boolean {
  return (size === null || size === facts.size) && (etag === null || etag === facts.etag);
}
