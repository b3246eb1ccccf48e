/**
 * Names what changes in a folder and in everything below it, while a container writes there. One watch a folder, which is read
 * when it is new; a name is a hint only, as no event says that a file is whole. Links are never followed. Linux only.
 *
 * Events of a flood slow down the writer, which wakes this process up for each, and the kernel drops those of a long queue (16,384
 * by default) unseen. So a flood ends the watches: the writer is left alone for a while, then everything is read at each look until
 * the flood has passed.
 */
import { watch, type FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { OptmlError, systemCode } from '../errors.js';
import { Lane } from './lane.js';
import { isGone, openFolderBeneath, within } from './open-beneath.js';

export interface TreeOptions {
  /** A folder of this machine that no container can exchange. */
  readonly root: string;
  /** The watched folder below it; empty where it is the root itself. */
  readonly base: string;
  /** Below it, folders that are not watched. */
  readonly isWithout: (folder: string) => boolean;
  /** `folder` is relative to the watched one; empty for that itself. */
  readonly onChange: (folder: string, name: string) => void;
  readonly onTrouble: (thrown: unknown) => void;
}

/** Events between two looks. */
const FLOOD = 500;
/** The looks and the upload must still fit into the 3 s after a file's last write. */
const LEFT_ALONE_MS = 1_500;
const READ_AT_ONCE = 16;

export class WatchedTree {
  readonly #options: TreeOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #reading = new Lane(READ_AT_ONCE);
  #events = 0;
  /** By `performance.now`; null while the watches stand. */
  #floodedSince: number | null = null;
  /** The watched folder itself is not there yet, or not any more. */
  #absent = false;
  #closed = false;

  constructor(options: TreeOptions) {
    this.#options = options;
    this.enter('');
  }

  /** Watches a folder from now on, also when another one of its name was there before, and names all that is in it. */
  enter(folder: string): void {
    this.#leave(folder);
    if (!this.#closed && !this.#options.isWithout(folder))
      this.#reading.add(folder, () => this.#readOrTell(folder));
  }

  /** To be called before each look. False when it had better be put off, as a flood has just begun; later in one, names everything. */
  async look(): Promise<boolean> {
    this.#events = 0;
    if (this.#absent) {
      this.#absent = false;
      this.enter('');
    }
    if (this.#floodedSince === null) return true;
    if (performance.now() - this.#floodedSince < LEFT_ALONE_MS) return false;
    this.enter('');
    await this.#reading.settled();
    return true;
  }

  /** Little has changed since the last look: a flood has passed. */
  calm(): void {
    if (this.#floodedSince === null) return;
    this.#floodedSince = null;
    this.enter('');
  }

  get isFlooded(): boolean {
    return this.#floodedSince !== null;
  }

  /** Whether a folder of this name is watched. */
  has(folder: string): boolean {
    return this.#watchers.has(folder);
  }

  /** A folder that was moved away is watched on, with what is below it, under names that it has no more. */
  forget(folder: string): void {
    for (const watched of [...this.#watchers.keys()])
      if (watched === folder || watched.startsWith(`${folder}/`)) this.#leave(watched);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#leaveAll();
    await this.#reading.close();
  }

  async #readOrTell(folder: string): Promise<void> {
    try {
      await this.#read(folder);
    } catch (thrown) {
      if (isGone(thrown)) this.#absent ||= folder === '';
      else this.#options.onTrouble(systemCode(thrown) === 'ENOSPC' ? tooManyWatches() : thrown);
    }
  }

  async #read(folder: string): Promise<void> {
    const { root, base, onChange } = this.#options;
    await using handle = await openFolderBeneath(root, join(base, folder));
    if (this.#closed) return;
    const place = within(handle);
    // Read after the watch has begun: what comes between is seen twice, not missed.
    if (this.#floodedSince === null) this.#watch(folder, place);
    for (const entry of await readdir(place, { withFileTypes: true })) {
      if (entry.isDirectory()) this.enter(join(folder, entry.name));
      else if (entry.isFile()) onChange(folder, entry.name);
    }
  }

  #watch(folder: string, place: string): void {
    const watcher = watch(place, { persistent: false }, (_, name) => {
      this.#events += 1;
      if (this.#events > FLOOD) {
        this.#floodedSince ??= performance.now();
        this.#leaveAll();
      } else if (name === null) this.enter(folder);
      else this.#options.onChange(folder, name);
    });
    watcher.on('error', () => this.enter(folder));
    this.#leave(folder);
    this.#watchers.set(folder, watcher);
  }

  #leave(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #leaveAll(): void {
    for (const folder of [...this.#watchers.keys()]) this.#leave(folder);
  }
}

/** Either may be empty. */
export function join(folder: string, name: string): string {
  return folder === '' || name === '' ? folder + name : `${folder}/${name}`;
}

/** Linux says of watches, too, that no space is left. */
function tooManyWatches(): OptmlError {
  return new OptmlError(
    'FILE_UNUSABLE',
    'this user has no more watches for folders: raise fs.inotify.max_user_watches',
  );
}
