/** GetObject as a stream of pieces: it fetches ahead of its reader by a little, and goes on where it was cut off. */

import { deferred } from '../../deferred.js';
import { asOptmlError, OptmlError } from '../../errors.js';
import type { ListedObject, ObjectAddress, ObjectReading } from '../port.js';
import { digestFor, type Digest } from './checksum.js';
import type { S3Client } from './client.js';
import { fetchSmall, HELD } from './download.js';
import { explain } from './explain.js';
import { S3Fault } from './fault.js';
import { partsDigest, partSizeOf } from './parts-digest.js';
import { assertContinues, assertSame, assertWhole, getRequest } from './get-object.js';
import { createPieceQueue, type PieceQueue } from './piece-queue.js';
import type { Sink } from './transport.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export async function readObject(
  client: S3Client,
  { object, signal }: { readonly object: ObjectAddress & ListedObject; readonly signal: AbortSignal },
): Promise<ObjectReading> {
  if (object.size !== null && object.size <= HELD)
    return readSmall(client, { object, signal, size: object.size });
  const left = new AbortController();
  const queue = createPieceQueue();
  const head = deferred<number>();
  const transfer = fetchAll({
    client,
    object,
    signal: AbortSignal.any([signal, left.signal]),
    queue,
    onSize: head.resolve,
  }).then(
    () => queue.end(),
    (thrown: unknown) => {
      const said = signal.aborted ? thrown : explained(thrown, client, object);
      head.reject(said);
      queue.fail(said);
    },
  );
  return { size: await head.promise, pieces: piecesOf(queue, left, transfer) };
}

/** Not a byte of it is given before all are known to be right. */
async function readSmall(
  client: S3Client,
  {
    object,
    signal,
    size,
  }: { readonly object: ObjectAddress & ListedObject; readonly signal: AbortSignal; readonly size: number },
): Promise<ObjectReading> {
  try {
    const piece = await fetchSmall(client, { object, signal }, copied);
    return { size, pieces: only(piece) };
  } catch (thrown) {
    throw signal.aborted ? thrown : explained(thrown, client, object);
  }
}

function copied(chunks: readonly Buffer[]): readonly Buffer[] {
  return chunks.map(chunk => Buffer.from(chunk));
}

async function* only(piece: readonly Uint8Array[]): AsyncGenerator<readonly Uint8Array[]> {
  if (piece.length > 0) yield await Promise.resolve(piece);
}

async function* piecesOf(
  queue: PieceQueue,
  left: AbortController,
  transfer: Promise<void>,
): AsyncGenerator<readonly Uint8Array[]> {
  try {
    for (;;) {
      const piece = await queue.take();
      if (piece === null) return;
      yield piece;
    }
  } finally {
    left.abort();
    await transfer;
  }
}

function explained(thrown: unknown, client: S3Client, address: ObjectAddress): OptmlError {
  const said = explain(thrown, client.endpoint, { verb: 'read', address });
  return said instanceof OptmlError ? said : asOptmlError(said);
}

/** How far the reading has come; a try that is cut off goes on from here. */
interface Progress {
  /** Held to the ETag and size of the first answer where the listing told none. */
  object: ObjectAddress & ListedObject;
  /** Bytes that are in the queue, or were. */
  offset: number;
  /** Null before the first answer, and where nothing is there to compare with. */
  digest: Digest | null;
}

async function fetchAll({
  client,
  object,
  signal,
  queue,
  onSize,
}: {
  readonly client: S3Client;
  readonly object: ObjectAddress & ListedObject;
  readonly signal: AbortSignal;
  readonly queue: PieceQueue;
  readonly onSize: (bytes: number) => void;
}): Promise<void> {
  const state: Progress = { object, offset: 0, digest: null };
  const partSize = await partSizeOf(client, object, signal);
  await client.retrying(signal, async progress => {
    // A reader that stands still must not make a new connection each time that the store gives up an old one.
    await queue.room();
    const before = state.offset;
    const request = getRequest(state.object, signal);
    const headers = state.offset === 0 ? {} : { range: `bytes=${state.offset}-` };
    try {
      await client.once({
        ...request,
        headers: { ...request.headers, ...headers },
        sink: sinkOf({ state, partSize, queue, onSize }),
      });
    } catch (thrown) {
      if (state.offset > before) progress();
      throw thrown;
    }
    try {
      assertWhole({ size: state.offset, object: state.object, digest: state.digest });
    } catch (thrown) {
      const cutOff = state.object.size === null || state.offset < state.object.size;
      if (cutOff || !(thrown instanceof S3Fault)) throw thrown;
      throw new S3Fault(thrown.message, { kind: 'final', code: thrown.code });
    }
  });
}

function sinkOf({
  state,
  partSize,
  queue,
  onSize,
}: {
  readonly state: Progress;
  readonly partSize: number | null;
  readonly queue: PieceQueue;
  readonly onSize: (bytes: number) => void;
}): Sink {
  /** Bytes at the start of the answer that have come before: some servers know no ranges. */
  let known = 0;
  return {
    onHead(status, headers) {
      const first = state.offset === 0;
      state.object = assertSame(state.object, headers);
      const etag = state.object.etag ?? '';
      if (first)
        state.digest =
          digestFor(headers, etag) ?? (partSize === null ? null : partsDigest(headers, etag, partSize));
      else if (status === 200) known = state.offset;
      else assertContinues(headers, state.offset);
      if (state.object.size !== null) onSize(state.object.size);
    },
    onChunk(chunk) {
      const fresh = known === 0 ? chunk : chunk.subarray(Math.min(known, chunk.length));
      known -= chunk.length - fresh.length;
      if (fresh.length === 0) return undefined;
      state.offset += fresh.length;
      state.digest?.update(fresh);
      return queue.put(fresh);
    },
  };
}
