/**
 * Small files in great number. To make one costs as much as to fetch it, so a thread of its own makes them while others are being
 * fetched; what it cannot take is made in the caller's.
 */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { deferred, type Deferred } from '../../deferred.js';
import { OptmlError } from '../../errors.js';
import { writeFileWhole } from './write-file.js';

export interface FileWriter {
  /**
   * Makes a new file of the chunks, which are needed no more when this returns. Rejects with the system's error, as EEXIST where
   * something has that name; nothing of the file is left then.
   */
  write(file: string, chunks: readonly Uint8Array[]): Promise<void>;
  close(): Promise<void>;
}

/** What the thread is asked for. */
export interface Batch {
  /** Which memory holds their bytes, one file's behind the other's. */
  readonly memory: number;
  readonly files: readonly string[];
  /** Where the bytes of each end. */
  readonly ends: readonly number[];
}

/** What it says when it is there, and of each batch, in their order: the files that could not be made. */
export type Failures = readonly {
  readonly index: number;
  readonly message: string;
  readonly code: string | undefined;
  readonly path: string | undefined;
}[];

/** Files after which a thread is worth its start. */
const FEW = 64;

/** Bytes. */
const MEMORY = 1024 * 1024;
/** One is filled while one is written and one more waits for that: the thread need not wait for us. */
const MEMORIES = 3;
const MOST_SENT = MEMORIES - 1;

interface Open extends Batch {
  readonly files: string[];
  readonly ends: number[];
  readonly written: Deferred<void>[];
  size: number;
}

interface Thread {
  /** Null when it cannot take that much now. */
  take(file: string, chunks: readonly Uint8Array[]): Promise<void> | null;
  close(): Promise<void>;
}

export function createFileWriter(): FileWriter {
  let count = 0;
  let thread: Thread | undefined;
  return {
    async write(file, chunks) {
      count += 1;
      if (count === FEW && availableParallelism() > 1) thread = tryThread();
      const taken = thread?.take(file, chunks) ?? null;
      if (taken === null) writeFileWhole(file, chunks);
      else await taken;
    },
    close: async () => thread?.close(),
  };
}

/** Where no further thread may be, there is none. */
function tryThread(): Thread | undefined {
  try {
    return startThread();
  } catch {
    return undefined;
  }
}

function startThread(): Thread {
  const memories = Array.from({ length: MEMORIES }, () => new SharedArrayBuffer(MEMORY));
  const views = memories.map(memory => new Uint8Array(memory));
  /** Numbers of those with nothing in them; none before the thread is there. */
  let free: number[] = [];
  let open: Open | undefined;
  const sent: Open[] = [];
  let closing: Deferred<void> | undefined;
  const worker = new Worker(new URL('./file-writer-thread.js', import.meta.url), { workerData: memories });
  worker.unref();
  worker.once('message', () => {
    free = [...memories.keys()];
    worker.on('message', settle);
  });
  worker.on('error', fail);

  function settle(failures: Failures): void {
    const batch = sent.shift();
    if (batch === undefined) return;
    for (const { index, message, ...facts } of failures)
      batch.written[index]?.reject(Object.assign(new Error(message), facts));
    for (const one of batch.written) one.resolve();
    if (sent.length === 0) worker.unref();
    if (closing === undefined) {
      free.push(batch.memory);
      send();
    } else if (sent.length === 0) closing.resolve();
  }

  /** Nobody knows what of it is written. */
  function fail(thrown: unknown): void {
    free = [];
    for (const batch of sent.splice(0)) for (const one of batch.written) one.reject(thrown);
    drop(thrown);
    closing?.resolve();
  }

  /** Nothing of it is written. */
  function drop(thrown: unknown): void {
    for (const one of open?.written ?? []) one.reject(thrown);
    open = undefined;
  }

  /** What comes while the thread has enough to do makes one batch. */
  function send(): void {
    if (open === undefined || sent.length === MOST_SENT) return;
    const { memory, files, ends } = open;
    if (sent.length === 0) worker.ref();
    sent.push(open);
    open = undefined;
    worker.postMessage({ memory, files, ends } satisfies Batch);
  }

  function begin(): Open | undefined {
    const memory = free.pop();
    if (memory === undefined) return undefined;
    // What comes in one turn of the loop is written together.
    setImmediate(send);
    return { memory, files: [], ends: [], written: [], size: 0 };
  }

  return {
    take(file, chunks) {
      const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      if (open !== undefined && open.size + size > MEMORY) send();
      open ??= begin();
      const view = views[open?.memory ?? 0];
      if (open === undefined || view === undefined || open.size + size > MEMORY) return null;
      for (const chunk of chunks) {
        view.set(chunk, open.size);
        open.size += chunk.length;
      }
      const written: Deferred<void> = deferred();
      open.files.push(file);
      open.ends.push(open.size);
      open.written.push(written);
      return written.promise;
    },
    async close() {
      free = [];
      drop(new OptmlError('INTERNAL', 'The store was closed while it was in use.'));
      closing = deferred();
      // What it has begun it makes whole.
      if (sent.length > 0) await closing.promise;
      await worker.terminate();
    },
  };
}
