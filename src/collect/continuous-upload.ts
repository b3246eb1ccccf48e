/**
 * Uploads the files of an output folder while its container writes them (contract §1.8, §1.17, and §2.7 for `S3UploadMode:
 * Continuous`).
 *
 * One watch a folder, which is read when it is new; events are hints only, as none says that a file is whole. A file is sent
 * when size and time of change have held still over two looks, and not kept when they have changed while it was sent. What was
 * missed, or is written last, is found by the collecting at the end. What the container removes stays in the store.
 */
import { watch, type FSWatcher, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { OptmlError, systemCode } from '../errors.js';
import type { UploadPlan } from '../plan/uploads.js';
import type { Store } from '../store/port.js';
import { openBeneath, within } from './open-beneath.js';
import { stampOf } from './output-entry.js';
import { below, isWithout } from './upload-output.js';

/** Path below the folder → the stamp of the file as it was sent. */
export type SentFiles = ReadonlyMap<string, string>;

export interface ContinuousOptions {
  readonly upload: UploadPlan;
  /** The folder on this machine. */
  readonly root: string;
  readonly store: Store;
  /** Ends uploads that are under way. */
  readonly signal: AbortSignal;
  /** The first failure of a row of them: the files are tried again. */
  readonly onTrouble: (thrown: unknown) => void;
}

/** Two of them, and the upload itself, must fit into the 3 s after a file's last write. */
const LOOK_MS = 500;
/** A store that fails is given this long. */
const TROUBLE_MS = 5_000;
const AT_ONCE = 8;
const READ_BYTES = 512 * 1024;

export class ContinuousUpload {
  readonly #options: ContinuousOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  /** Path → the stamp of the last look; null before the first. */
  readonly #changed = new Map<string, string | null>();
  readonly #sent = new Map<string, string>();
  readonly #reading = new Set<Promise<void>>();
  #looking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  /** The folder itself is not there yet. */
  #absent = false;
  #stopped = false;
  #troubled = false;

  constructor(options: ContinuousOptions) {
    this.#options = options;
    this.#enter('');
    this.#next(LOOK_MS);
  }

  /** What is under way is finished; what waits is left to the collecting. */
  async stop(): Promise<SentFiles> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    await this.#looking;
    await Promise.all(this.#reading);
    return this.#sent;
  }

  #next(after: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().then(wait => this.#next(wait));
    }, after);
  }

  #enter(folder: string): void {
    if (this.#stopped || this.#watchers.has(folder) || isWithout(this.#options.upload, folder)) return;
    const reading = this.#read(folder).catch((thrown: unknown) => {
      // It is gone, or no folder any more. What else there may be is the collecting's.
      if (isGone(thrown)) this.#absent ||= folder === '';
      else this.#trouble(systemCode(thrown) === 'ENOSPC' ? tooManyWatches() : thrown);
    });
    this.#reading.add(reading);
    void reading.finally(() => this.#reading.delete(reading));
  }

  async #read(folder: string): Promise<void> {
    await using handle = await openBeneath(this.#options.root, folder, 'folder');
    if (this.#stopped || this.#watchers.has(folder)) return;
    const place = within(handle);
    const watcher = watch(place, { persistent: false }, (_, name) => {
      if (name === null) this.#forget(folder);
      else this.#changed.set(join(folder, name), this.#changed.get(join(folder, name)) ?? null);
    });
    watcher.on('error', () => this.#forget(folder));
    this.#watchers.set(folder, watcher);
    // Read after the watch has begun: what comes between is seen twice, not missed.
    for (const entry of await readdir(place, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) this.#enter(path);
      else if (entry.isFile()) this.#changed.set(path, null);
    }
  }

  /** A folder whose watch is lost is entered anew. */
  #forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
    this.#enter(folder);
  }

  /** Looks at everything that has changed, and sends what is whole. Gives the milliseconds until the next look. */
  async #look(): Promise<number> {
    if (this.#absent) {
      this.#absent = false;
      this.#enter('');
    }
    const paths = [...this.#changed.keys()].values();
    const failures: unknown[] = [];
    const work = async (): Promise<void> => {
      for (const path of paths) {
        if (this.#stopped || failures.length > 0) return;
        try {
          await this.#visit(path);
        } catch (thrown) {
          if (isGone(thrown)) this.#changed.delete(path);
          else failures.push(thrown);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (failures.length === 0) {
      this.#troubled = false;
      return LOOK_MS;
    }
    this.#trouble(failures[0]);
    return TROUBLE_MS;
  }

  async #visit(path: string): Promise<void> {
    const { root } = this.#options;
    await using handle = await openBeneath(root, path, 'anything');
    const stats = await handle.stat();
    if (stats.isDirectory()) {
      this.#changed.delete(path);
      // One of the same name may have been there before.
      this.#forget(path);
      return;
    }
    const stamp = stampOf(stats);
    if (!stats.isFile() || this.#sent.get(path) === stamp) this.#changed.delete(path);
    else if (this.#changed.get(path) !== stamp) this.#changed.set(path, stamp);
    else await this.#send(path, handle, stats);
  }

  async #send(path: string, handle: Awaited<ReturnType<typeof openBeneath>>, stats: Stats): Promise<void> {
    const { upload, store, signal } = this.#options;
    const stamp = stampOf(stats);
    try {
      await store.upload(below(upload.to, path), wholeContent(handle, stats.size, stamp), {
        signal,
        ...(upload.kmsKeyId === null ? {} : { kmsKeyId: upload.kmsKeyId }),
      });
    } catch (thrown) {
      if (!(thrown instanceof ChangedWhileSent)) throw thrown;
      this.#changed.set(path, null);
      return;
    }
    this.#sent.set(path, stamp);
    // It stays in the list for one more look, which sees whether there is more.
  }

  #trouble(thrown: unknown): void {
    if (!this.#troubled && !this.#stopped) this.#options.onTrouble(thrown);
    this.#troubled = true;
  }
}

class ChangedWhileSent extends Error {}

async function* wholeContent(
  handle: Awaited<ReturnType<typeof openBeneath>>,
  size: number,
  stamp: string,
): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < size;) {
    const length = Math.min(READ_BYTES, size - position);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, position);
    if (bytesRead === 0) throw new ChangedWhileSent();
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  if (stampOf(await handle.stat()) !== stamp) throw new ChangedWhileSent();
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** Linux says of watches, too, that no space is left. */
function tooManyWatches(): OptmlError {
  return new OptmlError(
    'FILE_UNUSABLE',
    'this user has no more watches for folders: raise fs.inotify.max_user_watches',
  );
}

/** Gone, or a link or device in its place: nothing that can be sent. */
function isGone(thrown: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENODEV'].includes(systemCode(thrown) ?? '');
}
