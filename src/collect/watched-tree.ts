/**
 * Names what changes in a folder and in everything below it, while a container writes there. One watch a folder, which is read
 * when it is new; a name is a hint only, as no event says that a file is whole. Links are never followed. Linux only.
 */
import { watch, type FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { OptmlError, systemCode } from '../errors.js';
import { openFolderBeneath, within } from './open-beneath.js';

export interface TreeOptions {
  readonly root: string;
  /** `folder` is relative to the root; empty for the root itself. */
  readonly onChange: (folder: string, name: string) => void;
  readonly onTrouble: (thrown: unknown) => void;
}

/** The kernel drops events of a long queue (16,384 by default), and libuv does not say so. */
const FLOOD = 1000;
/** Looks after which everything is read again though the flood goes on. */
const LONGEST_FLOOD = 20;

export class WatchedTree {
  readonly #options: TreeOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #reading = new Set<Promise<void>>();
  #events = 0;
  #floods = 0;
  #closed = false;

  constructor(options: TreeOptions) {
    this.#options = options;
    this.enter('');
  }

  /** Watches a folder from now on, also when another one of its name was there before, and names all that is in it. */
  enter(folder: string): void {
    this.#leave(folder);
    if (this.#closed) return;
    const reading = this.#read(folder).catch((thrown: unknown) => {
      if (!isGone(thrown))
        this.#options.onTrouble(systemCode(thrown) === 'ENOSPC' ? tooManyWatches() : thrown);
    });
    this.#reading.add(reading);
    void reading.finally(() => this.#reading.delete(reading));
  }

  /** To be called from time to time: after a flood of events, everything is named again. */
  calm(): void {
    const flooded = this.#events >= FLOOD;
    this.#events = 0;
    if (flooded && this.#floods < LONGEST_FLOOD) {
      this.#floods += 1;
      return;
    }
    if (this.#floods > 0) for (const folder of [...this.#watchers.keys()]) this.enter(folder);
    this.#floods = 0;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const folder of [...this.#watchers.keys()]) this.#leave(folder);
    await Promise.all(this.#reading);
  }

  async #read(folder: string): Promise<void> {
    const { root, onChange } = this.#options;
    await using handle = await openFolderBeneath(root, folder);
    if (this.#closed || this.#watchers.has(folder)) return;
    const place = within(handle);
    const watcher = watch(place, { persistent: false }, (_, name) => {
      this.#events += 1;
      if (name === null) this.enter(folder);
      else onChange(folder, name);
    });
    watcher.on('error', () => this.enter(folder));
    this.#watchers.set(folder, watcher);
    // Read after the watch has begun: what comes between is seen twice, not missed.
    for (const entry of await readdir(place, { withFileTypes: true })) {
      if (entry.isDirectory()) this.enter(join(folder, entry.name));
      else if (entry.isFile()) onChange(folder, entry.name);
    }
  }

  #leave(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }
}

export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** Gone, or a link or device in its place: nothing that can be sent. */
export function isGone(thrown: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENODEV'].includes(systemCode(thrown) ?? '');
}

/** Linux says of watches, too, that no space is left. */
function tooManyWatches(): OptmlError {
  return new OptmlError(
    'FILE_UNUSABLE',
    'this user has no more watches for folders: raise fs.inotify.max_user_watches',
  );
}
