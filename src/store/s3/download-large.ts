/** A large object into a file: in pieces, with constant memory, going on where a try was cut off. */

import { closeSync, fchmodSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import type { ListedObject, ObjectAddress } from '../port.js';
import { digestFor, type Digest } from './checksum.js';
import type { S3Client } from './client.js';
import { S3Fault } from './fault.js';
import { partsDigest, partSizeOf } from './parts-digest.js';
import { assertContinues, assertSame, assertWhole, getRequest, type DownloadRequest } from './get-object.js';
import type { Sink } from './transport.js';

/** Chunks below this are put together before they are written. */
const SMALL_CHUNK = 64 * 1024;
/** So many bytes of them; more would not stay in the processor's cache. */
const GATHERED = 256 * 1024;

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
  const partSize = await partSizeOf(client, object, signal);
  const descriptor = openSync(file, 'wx', 0o644);
  let done = false;
  try {
    fchmodSync(descriptor, 0o644);
    const state: Progress = { object, offset: 0, digest: null, reported: 0 };
    let damaged = 0;
    await client.retrying(signal, async progress => {
      const before = state.offset;
      await fetchRest({ client, descriptor, state, partSize, signal, onBytes }).catch((thrown: unknown) => {
        if (state.offset > before) progress();
        throw thrown;
      });
      try {
        assertWhole({ size: state.offset, object: state.object, digest: state.digest });
      } catch (thrown) {
        if (++damaged >= DAMAGED_TRIES && thrown instanceof S3Fault)
          throw new S3Fault(thrown.message, { kind: 'final', code: thrown.code });
        // A part of it is wrong, nobody knows which: all is fetched again.
        restart(descriptor, state);
        throw thrown;
      }
    });
    done = true;
  } finally {
    closeSync(descriptor);
    if (!done) rmSync(file, { force: true });
  }
}

async function fetchRest({
  client,
  descriptor,
  state,
  partSize,
  signal,
  onBytes,
}: Omit<DownloadRequest, 'file' | 'object'> & {
  readonly partSize: number | null;
  readonly client: S3Client;
  readonly descriptor: number;
  readonly state: Progress;
}): Promise<void> {
  const writer = createWriter({ descriptor, partSize, state, onBytes });
  const request = getRequest(state.object, signal);
  const headers = state.offset === 0 ? {} : { range: `bytes=${state.offset}-` };
  try {
    await client.once({
      ...request,
      headers: { ...request.headers, ...headers },
      sink: writer.sink,
    });
  } finally {
    // Also of a try that was cut off: the next one goes on behind it.
    writer.flush();
  }
}

function restart(descriptor: number, state: Progress): void {
  state.offset = 0;
  state.digest = null;
  ftruncateSync(descriptor, 0);
}

/**
 * Writes in the loop's own thread: into the page cache that is faster than handing pieces to another thread, and a chunk
 * need not outlive the call that brings it.
 */
function createWriter({
  descriptor,
  partSize,
  state,
  onBytes,
}: {
  readonly partSize: number | null;
  readonly descriptor: number;
  readonly state: Progress;
  readonly onBytes: ((bytes: number) => void) | undefined;
}): { readonly sink: Sink; readonly flush: () => void } {
  let gathered: Buffer | undefined;
  let filled = 0;

  function write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const count = writeSync(descriptor, bytes, at, bytes.length - at, state.offset);
      state.digest?.update(bytes.subarray(at, at + count));
      state.offset += count;
      at += count;
    }
    if (state.offset <= state.reported) return;
    onBytes?.(state.offset - state.reported);
    state.reported = state.offset;
  }

  function flush(): void {
    const count = filled;
    filled = 0;
    if (gathered !== undefined && count > 0) write(gathered.subarray(0, count));
  }

  return {
    sink: {
      onHead(status, headers) {
        state.object = assertSame(state.object, headers);
        if (status === 200) {
          // Also the answer of a server that knows no ranges: it starts at the first byte.
          state.offset = 0;
          const etag = state.object.etag ?? '';
          state.digest =
            digestFor(headers, etag) ?? (partSize === null ? null : partsDigest(headers, etag, partSize));
        } else assertContinues(headers, state.offset);
      },
      onChunk(chunk) {
        if (chunk.length >= SMALL_CHUNK) {
          flush();
          write(chunk);
          return undefined;
        }
        if (filled + chunk.length > GATHERED) flush();
        gathered ??= Buffer.allocUnsafeSlow(GATHERED);
        gathered.set(chunk, filled);
        filled += chunk.length;
        return undefined;
      },
    },
    flush,
  };
}
