/**
 * Uploads the files of a folder while its container writes them: outputs (contract §1.8, §1.17, and §2.7 for `S3UploadMode:
 * Continuous`) and checkpoints (§1.9).
 *
 * A file is sent when it has held still over two looks, over four while somebody has it open for writing, and not kept when it
 * has changed while it was sent. What was missed, or is written last, is found by the collecting at the end. What the container
 * removes stays in the store; of checkpoints it is removed there, too.
 */
import { lstatSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate as letOthers } from 'node:timers/promises';
import type { UploadPlan } from '../plan/uploads.js';
import type { Store, UnfinishedUpload } from '../store/port.js';
import { isCheckpoint, removeMarks, underMarks } from './checkpoint-marks.js';
import { removeCheckpoint, sendCheckpoint, type CheckpointSource } from './checkpoint-source.js';
import { Lane } from './lane.js';
import { isGone, openFileBeneath, openFolderBeneath, within } from './open-beneath.js';
import { fileId, filesBeingWritten } from './open-writers.js';
import { isAsNoted, stampOf } from './output-entry.js';
import { below, isWithout } from './upload-output.js';
import { join, WatchedTree } from './watched-tree.js';
import { ChangedWhileSent, wholeContent } from './whole-content.js';

/** Path below the folder → the stamp of the file as it was sent. */
export type SentFiles = ReadonlyMap<string, string>;

export interface ContinuousOptions {
  readonly upload: UploadPlan;
  /** A folder of this machine that no container can exchange: that of a mount. */
  readonly root: string;
  /** The watched folder below it; empty where it is the root itself. */
  readonly base: string;
  /** Present for those of checkpoints. */
  readonly checkpoints?: CheckpointSource;
  readonly store: Store;
  /** Ends uploads that are under way. */
  readonly signal: AbortSignal;
  readonly onBegun: (upload: UnfinishedUpload) => void;
  /** The first failure of a row of them: the files are tried again. */
  readonly onTrouble: (thrown: unknown) => void;
}

/** What the looks have seen of a file: its stamp, and how many of them in a row saw the same. */
interface Seen {
  readonly stamp: string;
  readonly looks: number;
}

/** A file that has held still. */
interface StillFile extends Seen {
  readonly folder: string;
  readonly name: string;
  readonly id: string;
  readonly size: number;
}

/** The looks and the upload itself must fit into the 3 s after a file's last write. */
const LOOK_MS = 500;
const LOOKS_OF_CLOSED = 2;
const LOOKS_OF_OPEN = 4;
/** A store that fails is given this long. */
const TROUBLE_MS = 5_000;
/** Larger ones are sent beside the small ones, a few at once, so that neither waits for the other. */
const SMALL_BYTES = 256 * 1024;
const SMALL_AT_ONCE = 8;
const LARGE_AT_ONCE = 2;
/** Looked at without a pause. */
const SLICE = 250;
/** New or changed files between two looks, up to which the writer is not busy. */
const FEW = 50;

export class ContinuousUpload {
  readonly #options: ContinuousOptions;
  readonly #tree: WatchedTree;
  /** Folder → the names in it that may have changed; null before the first look. */
  readonly #changed = new Map<string, Map<string, Seen | null>>();
  readonly #small = new Lane(SMALL_AT_ONCE);
  readonly #large = new Lane(LARGE_AT_ONCE);
  readonly #sent: Map<string, string>;
  #looking: Promise<void> = Promise.resolve();
  /** Milliseconds that the last look took. */
  #took = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** The last thing that was tried has failed. */
  #troubled = false;
  /** No file is sent before, in milliseconds of `performance.now`. */
  #pausedUntil = 0;

  constructor(options: ContinuousOptions) {
    this.#options = options;
    this.#sent = new Map(options.checkpoints?.held);
    this.#tree = new WatchedTree({
      root: options.root,
      base: options.base,
      isWithout: folder => isWithout(options.upload, folder),
      onChange: (folder, name) => this.#note(folder, name),
      onTrouble: thrown => this.#tell(thrown),
    });
    this.#next();
  }

  /** What is under way is finished; what waits is left to the collecting. */
  async stop(): Promise<SentFiles> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const flights = [this.#small.close(), this.#large.close()];
    await Promise.all([...flights, this.#tree.close(), this.#looking]);
    return this.#sent;
  }

  #below(path: string): string {
    return join(this.#options.base, path);
  }

  #note(folder: string, name: string): void {
    if (this.#options.checkpoints !== undefined && !isCheckpoint(name)) return;
    const names = this.#changed.get(folder) ?? new Map<string, Seen | null>();
    if (!names.has(name)) names.set(name, null);
    this.#changed.set(folder, names);
  }

  /** What is gone is named by no reading of the folders. */
  #noteSent(isMeant: (path: string) => boolean): void {
    for (const path of this.#sent.keys()) {
      const at = path.lastIndexOf('/');
      if (isMeant(path)) this.#note(path.slice(0, Math.max(0, at)), path.slice(at + 1));
    }
  }

  #next(): void {
    if (this.#stopped) return;
    // Of many files a look takes long, and the writer needs the machine, too.
    const pause = Math.max(LOOK_MS, this.#took * 2);
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().then(() => this.#next());
    }, pause);
  }

  /** Looks at everything that may have changed, and lets go what is whole. */
  async #look(): Promise<void> {
    const start = performance.now();
    try {
      if (this.#isPaused() || !(await this.#tree.look())) return;
      if (this.#options.checkpoints !== undefined && this.#tree.isFlooded) this.#noteSent(() => true);
      const still: StillFile[] = [];
      let fresh = 0;
      for (const [folder, names] of [...this.#changed]) {
        if (this.#stopped) return;
        fresh += await this.#lookInto(folder, names, still);
        if (names.size === 0) this.#changed.delete(folder);
      }
      if (fresh <= FEW) this.#tree.calm();
      for (const file of await this.#closed(still)) this.#let(file);
    } catch (thrown) {
      this.#pause(thrown);
    } finally {
      this.#took = performance.now() - start;
    }
  }

  /** Adds the files that have held still; gives the number of those that have not been seen so before. */
  async #lookInto(folder: string, names: Map<string, Seen | null>, still: StillFile[]): Promise<number> {
    let fresh = 0;
    await using handle = await this.#open(folder);
    let count = 0;
    for (const [name, before] of [...names]) {
      if (++count % SLICE === 0) await letOthers();
      const path = join(folder, name);
      if (this.#small.has(path) || this.#large.has(path)) continue;
      const stats =
        handle === null ? undefined : lstatSync(`${within(handle)}/${name}`, { throwIfNoEntry: false });
      const stamp = stats?.isFile() === true ? stampOf(stats) : null;
      if (stats?.isDirectory() === true) this.#tree.enter(path);
      if (stats === undefined || stamp === null) {
        if (stats?.isDirectory() === true || (await this.#leave(path, handle))) names.delete(name);
      } else if (isAsNoted(this.#sent.get(path), stamp)) names.delete(name);
      else {
        const seen = { stamp, looks: before?.stamp === stamp ? before.looks + 1 : 1 };
        if (seen.looks === 1) fresh += 1;
        names.set(name, seen);
        if (seen.looks >= LOOKS_OF_CLOSED)
          still.push({ ...seen, folder, name, id: fileId(stats), size: stats.size });
      }
    }
    return fresh;
  }

  /** Null when there is no such folder any more. */
  async #open(folder: string): Promise<FileHandle | null> {
    try {
      return await openFolderBeneath(this.#options.root, this.#below(folder));
    } catch (thrown) {
      if (isGone(thrown)) return null;
      throw thrown;
    }
  }

  /**
   * There is no file of this name; false when that is to be looked at again. A folder that was moved away takes its files with it,
   * of which no event tells.
   */
  async #leave(path: string, folder: FileHandle | null): Promise<boolean> {
    const { checkpoints } = this.#options;
    if (this.#tree.has(path)) {
      this.#tree.forget(path);
      if (checkpoints !== undefined) this.#noteSent(sent => sent.startsWith(`${path}/`));
    }
    if (checkpoints === undefined || !this.#sent.has(path)) return true;
    if (!(await removeCheckpoint(checkpoints, { ...this.#options, path }))) return false;
    this.#sent.delete(path);
    if (folder !== null)
      await removeMarks({ folder, name: path.slice(path.lastIndexOf('/') + 1), isMarked: true });
    return true;
  }

  /** Those that nobody is writing; a file that is kept open and yet holds still for long is sent as it is. */
  async #closed(still: readonly StillFile[]): Promise<readonly StillFile[]> {
    const young = still.filter(({ looks }) => looks < LOOKS_OF_OPEN);
    if (young.length === 0) return still;
    const { root, base, upload } = this.#options;
    const ids = new Set(young.map(({ id }) => id));
    const written = await filesBeingWritten(join(root, base), upload.from, ids);
    return still.filter(({ id, looks }) => looks >= LOOKS_OF_OPEN || !written.has(id));
  }

  #let(file: StillFile): void {
    if (this.#stopped) return;
    const { folder, name, size } = file;
    const path = join(folder, name);
    this.#changed.get(folder)?.delete(name);
    const lane = size > SMALL_BYTES ? this.#large : this.#small;
    lane.add(path, async () => {
      try {
        if (this.#isPaused() || !(await this.#marked(file, () => this.#send(path, file.stamp))))
          this.#note(folder, name);
      } catch (thrown) {
        this.#note(folder, name);
        if (!isGone(thrown)) this.#pause(thrown);
      }
    });
  }

  async #marked({ folder, name }: StillFile, send: () => Promise<boolean>): Promise<boolean> {
    if (this.#options.checkpoints === undefined) return send();
    await using handle = await this.#open(folder);
    if (handle === null) return await send();
    let sent = false;
    const isMarked = this.#sent.has(join(folder, name));
    await underMarks({ folder: handle, name, isMarked }, async () => (sent = await send()));
    return sent;
  }

  /** False when it has changed meanwhile, or another host is at the same checkpoint. */
  #send(path: string, stamp: string): Promise<boolean> {
    const { checkpoints } = this.#options;
    const send = (): Promise<boolean> => this.#upload(path, stamp);
    return checkpoints === undefined ? send() : sendCheckpoint(checkpoints, path, send);
  }

  async #upload(path: string, stamp: string): Promise<boolean> {
    const { root, upload, store, signal, onBegun } = this.#options;
    await using handle = await openFileBeneath(root, this.#below(path));
    const stats = await handle?.stat();
    if (handle === null || stats === undefined || stampOf(stats) !== stamp) return false;
    try {
      await store.upload(below(upload.to, path), wholeContent(handle, stats.size, stamp), {
        signal,
        onBegun,
        ...(upload.kmsKeyId === null ? {} : { kmsKeyId: upload.kmsKeyId }),
      });
    } catch (thrown) {
      if (thrown instanceof ChangedWhileSent) return false;
      throw thrown;
    }
    this.#sent.set(path, stamp);
    this.#troubled = false;
    return true;
  }

  #isPaused(): boolean {
    return performance.now() < this.#pausedUntil;
  }

  #pause(thrown: unknown): void {
    this.#pausedUntil = performance.now() + TROUBLE_MS;
    this.#tell(thrown);
  }

  #tell(thrown: unknown): void {
    if (!this.#troubled && !this.#stopped) this.#options.onTrouble(thrown);
    this.#troubled = true;
  }
}
