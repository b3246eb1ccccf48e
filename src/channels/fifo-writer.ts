/**
 * Bytes into a FIFO that a container reads. A full FIFO blocks the thread that writes, so this belongs into a process of its
 * own, with a thread for each channel.
 */
import { closeSync, constants, fstatSync, openSync, writev } from 'node:fs';
import { open as openLater, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { OptmlError, systemCode } from '../errors.js';

export interface FifoWriter {
  /** Returns when the chunks are needed no more: a reader that is slow is waited for. False when the reader has left. */
  write(chunks: readonly Uint8Array[]): Promise<boolean>;
  /** When everything is in the FIFO. False when the reader has left. */
  finish(): Promise<boolean>;
  /** Does anybody have the other end open? */
  isRead(): boolean;
  close(): Promise<void>;
}

/** Pieces below this are put together: a call of the system for each would cost more than to copy them. */
const SMALL = 64 * 1024;
const GATHERED = 256 * 1024;

/** The kernel takes 1,024 chunks in one call. */
const CHUNKS = 1024;

const { O_WRONLY, O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;

/** Linux's own, which Node does not name: the thing itself is held, and nothing of it is opened. */
const O_PATH = 0o10000000;

/** `path` leads to an open FIFO, by way of `/proc`. Null when there is no reader any more. */
export async function openFifo(path: string): Promise<FifoWriter | null> {
  let first: number;
  try {
    first = openSync(path, O_WRONLY | O_NONBLOCK);
  } catch (thrown) {
    if (['ENXIO', 'ENOENT'].includes(systemCode(thrown) ?? '')) return null;
    throw thrown;
  }
  try {
    return fifoWriter(await openBlocking(first));
  } finally {
    closeSync(first);
  }
}

/**
 * A write end that does not wait; null when nobody reads. Throws when the path is no FIFO: the container may have put something
 * else there, which must not be written. A device must not even be opened: for some, that is an order. `called`: where it is in the
 * container.
 */
export function openForReader(path: string, called: string): number | null {
  let held: number | undefined;
  try {
    held = openSync(path, O_PATH | O_NOFOLLOW);
    if (!fstatSync(held).isFIFO()) throw noFifo(called);
    return openAgain(held, O_WRONLY | O_NONBLOCK);
  } catch (thrown) {
    if (['ENXIO', 'ENOENT'].includes(systemCode(thrown) ?? '')) return null;
    throw noFifo(called);
  } finally {
    if (held !== undefined) closeSync(held);
  }
}

/** The same FIFO once more, whatever has its name by now. */
function openAgain(descriptor: number, flags: number): number {
  return openSync(`/proc/self/fd/${descriptor}`, flags);
}

function noFifo(called: string): OptmlError {
  return new OptmlError(
    'FILE_UNUSABLE',
    `${called} is no FIFO any more: the container has put something else in its place.`,
  );
}

/** Writing must wait for the reader, so this end is opened to block; which it does for ever if the reader leaves just now. */
async function openBlocking(first: number): Promise<FileHandle> {
  const opening = openLater(`/proc/self/fd/${first}`, O_WRONLY);
  const late = new AbortController();
  const opened = opening.finally(() => late.abort());
  const waited = delay(PATIENCE_MS, undefined, { signal: late.signal }).catch(() => undefined);
  await Promise.race([opened.catch(() => undefined), waited]);
  let rescue: number | undefined;
  if (!late.signal.aborted) rescue = openAgain(first, O_RDONLY | O_NONBLOCK);
  try {
    return await opened;
  } finally {
    if (rescue !== undefined) closeSync(rescue);
  }
}

const PATIENCE_MS = 100;

function fifoWriter(handle: FileHandle): FifoWriter {
  /** One is filled while the other is written. */
  let [filling, other] = [Buffer.alloc(0), Buffer.alloc(0)];
  let filled = 0;
  let writing: Promise<void> | undefined;
  let left = false;

  /** After what is being written. */
  async function send(chunks: readonly Uint8Array[]): Promise<void> {
    while (writing !== undefined) await writing;
    if (left) return;
    writing = writeAll(handle.fd, chunks).then(all => {
      left = !all;
      writing = undefined;
    });
    // It stays when it has failed: whoever waits for it next hears of it.
    writing.catch(() => undefined);
  }

  async function sendGathered(): Promise<void> {
    if (filled === 0) return;
    while (writing !== undefined) await writing;
    const bytes = filling.subarray(0, filled);
    [filling, other] = [other, filling];
    filled = 0;
    await send([bytes]);
  }

  async function gather(chunks: readonly Uint8Array[], size: number): Promise<void> {
    if (filled + size > GATHERED) await sendGathered();
    if (filling.length === 0) filling = Buffer.allocUnsafeSlow(GATHERED);
    for (const chunk of chunks) {
      filling.set(chunk, filled);
      filled += chunk.length;
    }
    if (writing === undefined) await sendGathered();
  }

  return {
    async write(chunks) {
      const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      if (size < SMALL) await gather(chunks, size);
      else {
        await sendGathered();
        await send(chunks);
        await writing;
      }
      return !left;
    },
    async finish() {
      await sendGathered();
      while (writing !== undefined) await writing;
      return !left;
    },
    isRead() {
      try {
        closeSync(openAgain(handle.fd, O_WRONLY | O_NONBLOCK));
        return true;
      } catch (thrown) {
        if (systemCode(thrown) === 'ENXIO') return false;
        throw thrown;
      }
    },
    close: () => handle.close(),
  };
}

/** False when the reader has left. */
async function writeAll(descriptor: number, chunks: readonly Uint8Array[]): Promise<boolean> {
  let rest = chunks;
  while (rest.length > 0) {
    const written = await new Promise<number | null>((resolve, reject) => {
      writev(descriptor, rest.slice(0, CHUNKS), (error, count) => {
        if (error === null) resolve(count);
        else if (error.code === 'EPIPE') resolve(null);
        else reject(error);
      });
    });
    if (written === null) return false;
    rest = after(rest, written);
  }
  return true;
}

function after(chunks: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written;
  for (const [index, chunk] of chunks.entries()) {
    if (left < chunk.length) return [chunk.subarray(left), ...chunks.slice(index + 1)];
    left -= chunk.length;
  }
  return [];
}
