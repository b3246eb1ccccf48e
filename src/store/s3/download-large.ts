/** A large object into a file: in pieces, with constant memory, going on where a try was cut off. */

import { open, rm, type FileHandle } from 'node:fs/promises';
import type { ListedObject, ObjectAddress } from '../port.js';
import { digestFor, type Digest } from './checksum.js';
import type { S3Client } from './client.js';
import { S3Fault } from './fault.js';
import {
  after,
  assertContinues,
  assertSame,
  assertWhole,
  getRequest,
  type DownloadRequest,
} from './get-object.js';
import type { Sink } from './transport.js';

/** Bytes that are written in one call. */
const PIECE = 1024 * 1024;

/** Bodies that arrived in full and wrong, before the store is given up. */
const DAMAGED_TRIES = 4;

/** How far a large object has come; a try that is cut off goes on from here. */
interface Progress {
  /** Held to the ETag and size of the first answer where the listing told none. */
  object: ObjectAddress & ListedObject;
  /** Bytes in the file. */
  offset: number;
  digest: Digest | null;
  /** Bytes that `onBytes` has been told of: what is fetched twice counts once. */
  reported: number;
}

export async function downloadLarge(
  client: S3Client,
  { object, file, signal, onBytes }: DownloadRequest,
): Promise<void> {
  const handle = await open(file, 'wx', 0o644);
  try {
    await handle.chmod(0o644);
    const state: Progress = { object, offset: 0, digest: null, reported: 0 };
    let damaged = 0;
    await client.retrying(signal, async progress => {
      const before = state.offset;
      await fetchRest({ client, handle, state, signal, onBytes }).catch((thrown: unknown) => {
        if (state.offset > before) progress();
        throw thrown;
      });
      try {
        assertWhole({ size: state.offset, object: state.object, digest: state.digest });
      } catch (thrown) {
        if (++damaged >= DAMAGED_TRIES && thrown instanceof S3Fault)
          throw new S3Fault(thrown.message, { kind: 'final', code: thrown.code });
        // A part of it is wrong, nobody knows which: all is fetched again.
        await restart(handle, state);
        throw thrown;
      }
    });
  } catch (thrown) {
    await handle.close();
    await rm(file, { force: true });
    throw thrown;
  }
  await handle.close();
}

async function fetchRest({
  client,
  handle,
  state,
  signal,
  onBytes,
}: Omit<DownloadRequest, 'file' | 'object'> & {
  readonly client: S3Client;
  readonly handle: FileHandle;
  readonly state: Progress;
}): Promise<void> {
  const writer = createWriter({ handle, state, onBytes });
  const request = getRequest(state.object, signal);
  const headers = state.offset === 0 ? {} : { range: `bytes=${state.offset}-` };
  try {
    await client.once({ ...request, headers: { ...request.headers, ...headers }, sink: writer.sink });
  } finally {
    await writer.drain();
  }
}

async function restart(handle: FileHandle, state: Progress): Promise<void> {
  state.offset = 0;
  state.digest = null;
  await handle.truncate(0);
}

/** Writes one piece while the next one is collected; asks for a pause when both are full. */
function createWriter({
  handle,
  state,
  onBytes,
}: {
  readonly handle: FileHandle;
  readonly state: Progress;
  readonly onBytes: ((bytes: number) => void) | undefined;
}): { readonly sink: Sink; readonly drain: () => Promise<void> } {
  let collected: Buffer[] = [];
  let size = 0;
  let writing: Promise<void> | undefined;

  async function write(chunks: readonly Buffer[]): Promise<void> {
    let rest = chunks;
    let position = state.offset;
    while (rest.length > 0) {
      const { bytesWritten } = await handle.writev(rest, position);
      position += bytesWritten;
      rest = after(rest, bytesWritten);
    }
    for (const chunk of chunks) state.digest?.update(chunk);
    state.offset = position;
    if (position <= state.reported) return;
    onBytes?.(position - state.reported);
    state.reported = position;
  }

  function flush(): Promise<void> {
    const chunks = collected;
    collected = [];
    size = 0;
    writing = (writing ?? Promise.resolve()).then(() => write(chunks));
    writing.catch(() => undefined);
    return writing;
  }

  return {
    sink: {
      onHead(status, headers) {
        state.object = assertSame(state.object, headers);
        if (status === 200) {
          // Also the answer of a server that knows no ranges: it starts at the first byte.
          state.offset = 0;
          state.digest = digestFor(headers, state.object.etag ?? '');
        } else assertContinues(headers, state.offset);
      },
      onChunk(chunk) {
        collected.push(chunk);
        size += chunk.length;
        if (size < PIECE) return undefined;
        const before = writing;
        void flush();
        return before;
      },
    },
    async drain() {
      if (size > 0) await flush();
      await writing;
    },
  };
}
