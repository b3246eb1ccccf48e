/** FIFOs of this process's side: made one after the other, and held open so that no reader takes a failure for the end. */
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { OptmlError, systemCode } from '../errors.js';
import { openForReader } from './fifo-writer.js';

const run = promisify(execFile);

/** Makes them in a folder, for everybody to read. Node has no call for it. Throws FILE_UNUSABLE. */
export async function makeFifos(folder: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  try {
    await run('mkfifo', ['-m', '0666', '--', ...names], { cwd: folder });
  } catch (thrown) {
    const { code, stderr } = thrown as { code?: string | number; stderr?: string };
    const why = code === 'ENOENT' ? 'there is no mkfifo command' : (stderr ?? '').trim();
    throw new OptmlError('FILE_UNUSABLE', `The FIFOs ${names.join(', ')} cannot be made: ${why}.`);
  }
}

/** A folder that the container can rename, but not exchange: it is reached by its descriptor. */
export interface FifoFolder {
  make(name: string): Promise<void>;
  /** A write end, once somebody reads; null when the signal fires before. The reader gets no end while it is open. */
  untilRead(name: string, signal: AbortSignal): Promise<number | null>;
  remove(name: string): void;
  close(): void;
}

/** A reader that comes is seen within the first, and one that has not come for a while within the second. */
const POLL_MS = 2;
const LATER_POLL_MS = 20;
const POLLS = 500;

/** `called`: where it is in the container. */
export function openFifoFolder(folder: string, called: string): FifoFolder {
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const here = `/proc/${process.pid}/fd/${descriptor}`;
  return {
    make: name => makeFifos(here, [name]),
    async untilRead(name, signal) {
      for (let polls = 0; !signal.aborted; polls += 1) {
        const end = openForReader(`${here}/${name}`, `${called}/${name}`);
        if (end !== null) return end;
        await delay(polls < POLLS ? POLL_MS : LATER_POLL_MS);
      }
      return null;
    },
    remove(name) {
      try {
        unlinkSync(`${here}/${name}`);
      } catch (thrown) {
        // The container has taken it away, or made a folder in its place: nobody waits there either.
        if (!['ENOENT', 'EISDIR', 'EPERM'].includes(systemCode(thrown) ?? '')) throw thrown;
      }
    },
    close: () => closeSync(descriptor),
  };
}
