/**
 * Chunks from the network on their way to a reader: copied into blocks that are used again and again, which is cheaper than new
 * memory for every byte, and no more than a little ahead of the reader.
 */

import { deferred, type Deferred } from '../../deferred.js';

export interface PieceQueue {
  /** Copies the chunk; a promise when there is enough for now. */
  put(chunk: Uint8Array): Promise<void> | undefined;
  /** When more is wanted. */
  room(): Promise<void>;
  end(): void;
  fail(reason: unknown): void;
  /**
   * All that has come, once there is something, for use until the next call; null at the end. Throws the reason of `fail`, after
   * the chunks before it.
   */
  take(): Promise<readonly Uint8Array[] | null>;
}

/** Bytes that lie ready. */
const AHEAD = 1024 * 1024;

const BLOCK = 512 * 1024;

export function createPieceQueue(): PieceQueue {
  const free: Buffer[] = [];
  /** The reader has them. */
  let given: Buffer[] = [];
  let full: Buffer[] = [];
  let block: Buffer | undefined;
  let filled = 0;
  let end: { readonly reason: unknown } | 'end' | undefined;
  /** Whoever puts waits for this one; whoever takes, for that one. */
  let space: Deferred<void> | undefined;
  let content: Deferred<void> | undefined;

  function bytes(): number {
    return full.length * BLOCK + filled;
  }

  function tell(): void {
    content?.resolve();
    content = undefined;
  }

  function room(): Promise<void> {
    if (bytes() < AHEAD) return Promise.resolve();
    space ??= deferred();
    return space.promise;
  }

  function copy(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      block ??= free.pop() ?? Buffer.allocUnsafeSlow(BLOCK);
      const count = Math.min(chunk.length - at, BLOCK - filled);
      block.set(chunk.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled < BLOCK) continue;
      full.push(block);
      block = undefined;
      filled = 0;
    }
  }

  return {
    put(chunk) {
      copy(chunk);
      tell();
      return bytes() < AHEAD ? undefined : room();
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
      free.push(...given);
      given = [];
      while (bytes() === 0) {
        if (end === 'end') return null;
        if (end !== undefined) throw end.reason;
        content ??= deferred();
        await content.promise;
      }
      const taken: Uint8Array[] = full;
      given = [...full];
      full = [];
      if (block !== undefined) {
        given.push(block);
        taken.push(block.subarray(0, filled));
        block = undefined;
        filled = 0;
      }
      space?.resolve();
      space = undefined;
      return taken;
    },
  };
}
