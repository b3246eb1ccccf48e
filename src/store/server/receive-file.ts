/** A body as a finished, still invisible file of the store. */

import { writevSync } from 'node:fs';
import { rm, type FileHandle } from 'node:fs/promises';
import { stampFile, stampHandle, type FileStamp } from '../embedded/file-stamp.js';
import { createTemporary, makeTemporary } from '../embedded/temporary.js';
import { bodyLength, readBody, type BodyFacts, type BodyOptions } from './read-body.js';

export interface ReceivedFile extends BodyFacts {
  /** The caller's to place or to remove. */
  readonly path: string;
  readonly stamp: FileStamp;
}

/** Up to here a body is held in memory and written in one call, when it is known to be right. */
const HELD = 256 * 1024;

/** The file is there only when all that was said of the body is true. */
export async function receiveFile(root: string, options: BodyOptions): Promise<ReceivedFile> {
  return bodyLength(options) <= HELD ? await receiveSmall(root, options) : await receiveLarge(root, options);
}

async function receiveSmall(root: string, options: BodyOptions): Promise<ReceivedFile> {
  const pieces: Buffer[] = [];
  const facts = await readBody(options, data => void pieces.push(data));
  const { path, result } = makeTemporary(root, descriptor => {
    writeAllSync(descriptor, pieces);
    return stampFile(descriptor);
  });
  return { path, stamp: result, ...facts };
}

function writeAllSync(descriptor: number, pieces: readonly Buffer[]): void {
  let rest = pieces;
  while (rest.length > 0) rest = after(rest, writevSync(descriptor, rest));
}

/** The rest of the pieces after so many bytes. */
function after(pieces: readonly Buffer[], bytes: number): Buffer[] {
  const rest: Buffer[] = [];
  let skip = bytes;
  for (const piece of pieces) {
    if (skip < piece.length) rest.push(piece.subarray(skip));
    skip = Math.max(0, skip - piece.length);
  }
  return rest;
}

async function receiveLarge(root: string, options: BodyOptions): Promise<ReceivedFile> {
  const { path, handle } = await createTemporary(root);
  try {
    const writer = createWriter(handle);
    let facts: BodyFacts;
    try {
      facts = await readBody(options, writer.write);
    } finally {
      await writer.drain();
    }
    const stamp = await stampHandle(handle);
    await handle.close();
    return { path, stamp, ...facts };
  } catch (thrown) {
    await handle.close().catch(() => undefined);
    await rm(path, { force: true });
    throw thrown;
  }
}

/** Bytes that are written in one call. */
const BATCH = 1024 * 1024;

/** Writes one batch while the next one is collected, and asks for a pause when both are full. */
function createWriter(handle: FileHandle): {
  readonly write: (data: Buffer) => Promise<void> | undefined;
  readonly drain: () => Promise<void>;
} {
  let collected: Buffer[] = [];
  let size = 0;
  let writing: Promise<void> | undefined;

  async function append(pieces: readonly Buffer[], before: Promise<void> | undefined): Promise<void> {
    await before;
    for (let rest = pieces; rest.length > 0;) rest = after(rest, (await handle.writev(rest)).bytesWritten);
  }

  function flush(): void {
    writing = append(collected, writing);
    // Whoever waits for it hears of a failure; until then it is nobody's.
    writing.catch(() => undefined);
    collected = [];
    size = 0;
  }

  return {
    write(data) {
      collected.push(data);
      size += data.length;
      if (size < BATCH) return undefined;
      const before = writing;
      flush();
      return before;
    },
    async drain() {
      if (size > 0) flush();
      await writing;
    },
  };
}
