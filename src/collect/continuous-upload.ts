/**
 * Uploads the files of a folder while its container writes them: `S3UploadMode: Continuous` and checkpoints (contract §2.7, §1.9).
 *
 * One watch a folder, which is read when it is new; events are hints only, as none says that a file is whole. A file is sent
 * when size and time of change have held still over two looks, and not kept when they have changed while it was sent. What was
 * missed, or is written last, is found by the collecting at the end. What the container removes stays in the store; of
 * checkpoints it is removed there, too.
 */
import { watch, type FSWatcher, type Stats } from 'node:fs';
import { readdir, type FileHandle } from 'node:fs/promises';
import { OptmlError, systemCode } from '../errors.js';
import type { UploadPlan } from '../plan/uploads.js';
import type { Store, UnfinishedUpload } from '../store/port.js';
import { removeCheckpoint, underMarks, type CheckpointSource } from './checkpoint-source.js';
import { isCheckpoint } from './checkpoint-marks.js';
import { isGone, openBeneath, within } from './open-beneath.js';
import { stampOf } from './output-entry.js';
import { Storm } from './storm.js';
import { below } from './upload-output.js';
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

/** Two of them, and the upload itself, must fit into the 3 s after a file's last write. */
const LOOK_MS = 500;
/** A store that fails is given this long. */
const TROUBLE_MS = 5_000;
const AT_ONCE = 8;

export class ContinuousUpload {
  readonly #options: ContinuousOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  /** Path → the stamp of the last look; null before the first. */
  readonly #changed = new Map<string, string | null>();
  readonly #sent: Map<string, string>;
  /** Watched folders that are not there any more. */
  readonly #goneFolders = new Set<string>();
  readonly #reading = new Set<Promise<void>>();
  #looking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  readonly #storm = new Storm();
  #troubled = false;

  constructor(options: ContinuousOptions) {
    this.#options = options;
    this.#sent = new Map(options.checkpoints?.held);
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
    if (this.#stopped || this.#watchers.has(folder)) return;
    const reading = this.#read(folder).catch((thrown: unknown) => {
      // It is gone, or no folder any more. What else there may be is the collecting's.
      if (!isGone(thrown)) this.#trouble(systemCode(thrown) === 'ENOSPC' ? tooManyWatches() : thrown);
    });
    this.#reading.add(reading);
    void reading.finally(() => this.#reading.delete(reading));
  }

  async #read(folder: string): Promise<void> {
    await using handle = await openBeneath(this.#options.root, this.#below(folder), 'folder');
    if (this.#stopped || this.#watchers.has(folder)) return;
    const place = within(handle);
    const watcher = watch(place, { persistent: false }, (_, name) => {
      if (name === null) this.#forget(folder);
      else this.#notice(join(folder, name));
    });
    watcher.on('error', () => this.#forget(folder));
    this.#watchers.set(folder, watcher);
    // Read after the watch has begun: what comes between is seen twice, not missed.
    for (const entry of await readdir(place, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) this.#enter(path);
      else if (entry.isFile()) this.#notice(path);
    }
  }

  #below(path: string): string {
    return path === '' ? this.#options.base : join(this.#options.base, path);
  }

  #notice(path: string): void {
    if (this.#options.checkpoints !== undefined && !isCheckpoint(path)) return;
    this.#changed.set(path, this.#changed.get(path) ?? null);
    this.#storm.notice();
  }

  /** A folder whose watch is lost is entered anew. */
  #forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
    this.#enter(folder);
  }

  /** Looks at everything that has changed, and sends what is whole. Gives the milliseconds until the next look. */
  async #look(): Promise<number> {
    if (this.#storm.look()) return LOOK_MS;
    const paths = [...this.#changed.keys()].values();
    const failures: unknown[] = [];
    const work = async (): Promise<void> => {
      for (const path of paths) {
        if (this.#stopped || this.#storm.rages || failures.length > 0) return;
        try {
          await this.#visit(path);
        } catch (thrown) {
          failures.push(thrown);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    this.#noticeGone();
    if (failures.length === 0) {
      this.#troubled = false;
      return LOOK_MS;
    }
    this.#trouble(failures[0]);
    return TROUBLE_MS;
  }

  async #visit(path: string): Promise<void> {
    await using handle = await this.#open(path);
    const stats = await handle?.stat();
    if (stats?.isDirectory() === true) {
      this.#changed.delete(path);
      // One of the same name may have been there before.
      this.#forget(path);
      return;
    }
    if (handle === null || stats?.isFile() !== true) {
      await this.#leave(path);
      return;
    }
    const stamp = stampOf(stats);
    if (this.#sent.get(path) === stamp) this.#changed.delete(path);
    else if (this.#changed.get(path) !== stamp) this.#changed.set(path, stamp);
    else await this.#marked(path, () => this.#send(path, handle, stats));
  }

  /** Null when it is gone, or a link or device stands in its place: nothing that can be sent. */
  async #open(path: string): Promise<FileHandle | null> {
    try {
      return await openBeneath(this.#options.root, this.#below(path), 'anything');
    } catch (thrown) {
      if (isGone(thrown)) return null;
      throw thrown;
    }
  }

  /** There is no file of this name. */
  async #leave(path: string): Promise<void> {
    if (this.#options.checkpoints !== undefined && this.#sent.has(path)) {
      await removeCheckpoint({
        ...this.#options,
        ...this.#options.checkpoints,
        path,
        file: this.#below(path),
      });
      this.#sent.delete(path);
    }
    if (this.#watchers.has(path)) this.#goneFolders.add(path);
    this.#changed.delete(path);
  }

  /** A folder that was moved away takes its files with it, of which no event tells. */
  #noticeGone(): void {
    if (this.#goneFolders.size === 0) return;
    const isBelow = (path: string): boolean => {
      for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1))
        if (this.#goneFolders.has(path.slice(0, at))) return true;
      return false;
    };
    for (const [path, watcher] of this.#watchers)
      if (this.#goneFolders.has(path) || isBelow(path)) {
        watcher.close();
        this.#watchers.delete(path);
      }
    for (const path of this.#sent.keys()) if (isBelow(path)) this.#notice(path);
    this.#goneFolders.clear();
  }

  async #marked(path: string, send: () => Promise<boolean>): Promise<void> {
    const { checkpoints, root } = this.#options;
    if (checkpoints === undefined) await send();
    else await underMarks({ root, file: this.#below(path) }, send);
  }

  /** False when the file has changed meanwhile. */
  async #send(path: string, handle: FileHandle, stats: Stats): Promise<boolean> {
    const { upload, store, signal, onBegun, checkpoints } = this.#options;
    const stamp = stampOf(stats);
    try {
      await store.upload(below(upload.to, path), wholeContent(handle, stats.size, stamp), {
        signal,
        onBegun,
        ...(upload.kmsKeyId === null ? {} : { kmsKeyId: upload.kmsKeyId }),
      });
    } catch (thrown) {
      if (!(thrown instanceof ChangedWhileSent)) throw thrown;
      this.#changed.set(path, null);
      return false;
    }
    this.#sent.set(path, stamp);
    checkpoints?.senders.set(path, checkpoints.host);
    // It stays in the list for one more look, which sees whether there is more.
    return true;
  }

  #trouble(thrown: unknown): void {
    if (!this.#troubled && !this.#stopped) this.#options.onTrouble(thrown);
    this.#troubled = true;
  }
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
