/** Reading the body of an upload without being held up by it. */

import { onAbort } from './on-abort.js';
import type { FileBody, UploadBody } from './port.js';

/**
 * The chunks of `body`. When the signal fires, this throws its reason at once, also while the body owes a chunk;
 * the body is told to end, and waited for only when it owes nothing.
 */
export async function* readUntilAborted(body: UploadBody, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  if (body instanceof Uint8Array) {
    if (body.length > 0) yield body;
    return;
  }
  const iterator = (isFile(body) ? chunksOf(body) : body)[Symbol.asyncIterator]();
  let interrupt: (reason: unknown) => void = () => undefined;
  const callOff = onAbort(signal, () => interrupt(signal.reason));
  let state: 'between' | 'waiting' | 'over' = 'between';
  try {
    for (;;) {
      signal.throwIfAborted();
      state = 'waiting';
      // One promise a chunk: a race against one long-lived promise would keep every chunk in memory.
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        interrupt = reject;
        iterator.next().then(resolve, (thrown: unknown) => {
          state = 'over';
          interrupt(thrown);
        });
      });
      state = next.done === true ? 'over' : 'between';
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    callOff();
    // A generator that is waiting for its own source ends only after that wait.
    if (state === 'waiting') iterator.return?.().catch(() => undefined);
    else if (state === 'between') await iterator.return?.().catch(() => undefined);
  }
}

export function isFile(body: UploadBody): body is FileBody {
  return 'read' in body && 'size' in body;
}

const CHUNK = 1024 * 1024;

/** In memory that is used again. */
async function* chunksOf(file: FileBody): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK, file.size));
  for (let offset = 0; offset < file.size;) {
    const count = await file.read(chunk, offset);
    if (count === 0) return;
    offset += count;
    yield chunk.subarray(0, count);
  }
}
