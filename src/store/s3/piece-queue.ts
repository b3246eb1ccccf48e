/** Chunks from the network on their way to a reader: handed over in pieces, and no more than a little ahead of it. */

import { deferred, type Deferred } from '../../deferred.js';

export interface PieceQueue {
  /** Takes the chunk; a promise when there is enough for now. */
  put(chunk: Uint8Array): Promise<void> | undefined;
  /** When more is wanted. */
  room(): Promise<void>;
  end(): void;
  fail(reason: unknown): void;
  /** All that has come, once there is something; null at the end. Throws the reason of `fail`, after the chunks before it. */
  take(): Promise<readonly Uint8Array[] | null>;
}

/** Bytes that lie ready. */
const AHEAD = 1024 * 1024;

export function createPieceQueue(): PieceQueue {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let end: { readonly reason: unknown } | 'end' | undefined;
  /** Whoever puts waits for this one; whoever takes, for that one. */
  let space: Deferred<void> | undefined;
  let content: Deferred<void> | undefined;

  function tell(): void {
    content?.resolve();
    content = undefined;
  }

  function room(): Promise<void> {
    if (bytes < AHEAD) return Promise.resolve();
    space ??= deferred();
    return space.promise;
  }

  return {
    put(chunk) {
      chunks.push(chunk);
      bytes += chunk.length;
      tell();
      return bytes < AHEAD ? undefined : room();
    },
    room,
    end() {
      end ??= 'end';
      tell();
    },
    fail(reason) {
      end ??= { reason };
      tell();
    },
    async take() {
      while (chunks.length === 0) {
        if (end === 'end') return null;
        if (end !== undefined) throw end.reason;
        content ??= deferred();
        await content.promise;
      }
      const taken = chunks;
      chunks = [];
      bytes = 0;
      space?.resolve();
      space = undefined;
      return taken;
    },
  };
}
