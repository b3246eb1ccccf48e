/**
 * Uploads the files of a folder while its container writes them: outputs (contract §1.8, §1.17, and §2.7 for `S3UploadMode:
 * Continuous`) and checkpoints (§1.9).
 *
 * One watch a folder, which is read when it is new; events are hints only, as none says that a file is whole. A file is sent
 * when nothing has changed it for half a second, and not kept when it has changed while it was sent. What was
 * missed, or is written last, is found by the collecting at the end. What the container removes stays in the store; of
 * checkpoints it is removed there, too.
 */
import { watch, type FSWatcher, type Stats } from 'node:fs';
import { readdir, type FileHandle } from 'node:fs/promises';
import { OptmlError, systemCode } from '../errors.js';
import type { UploadPlan } from '../plan/uploads.js';
import type { Store, UnfinishedUpload } from '../store/port.js';
import { isCheckpoint, removeMarks, underMarks, type Marked } from './checkpoint-marks.js';
import { removeCheckpoint, type CheckpointSource } from './checkpoint-source.js';
import { HeldFolder, openIn } from './held-folder.js';
import { isGone, openBeneath, within } from './open-beneath.js';
import { stampOf } from './output-entry.js';
import { Storm } from './storm.js';
import { below, isWithout } from './upload-output.js';
import { ChangedWhileSent, wholeContent } from './whole-content.js';

type MaybeMarked = Omit<Marked, 'folder'> & { readonly folder: FileHandle | null };

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

/** How often there is a look, and how long a file must have held still then. */
const LOOK_MS = 500;
/** A store that fails is given this long. */
const TROUBLE_MS = 5_000;
const AT_ONCE = 8;

export class ContinuousUpload {
  readonly #options: ContinuousOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  /** Paths that must be looked at. */
  readonly #changed = new Set<string>();
  readonly #sent: Map<string, string>;
  /** Watched folders that are not there any more. */
  readonly #goneFolders = new Set<string>();
  readonly #reading = new Set<Promise<void>>();
  #looking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  /** The folder itself is not there yet. */
  #absent = false;
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
    this.#changed.add(path);
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
    if (this.#absent) {
      this.#absent = false;
      this.#enter('');
    }
    const paths = [...this.#changed].values();
    const failures: unknown[] = [];
    const { root } = this.#options;
    const work = async (): Promise<void> => {
      await using held = new HeldFolder(root);
      for (const path of paths) {
        if (this.#stopped || this.#storm.rages || failures.length > 0) return;
        try {
          await this.#visit(path, held);
        } catch (thrown) {
          this.#changed.add(path);
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

  async #visit(path: string, held: HeldFolder): Promise<void> {
    // An event that comes from now on puts it in again.
    this.#changed.delete(path);
    const at = path.lastIndexOf('/');
    const folder = await held.at(this.#below(path.slice(0, Math.max(0, at))));
    const file = { folder, name: path.slice(at + 1), isMarked: this.#sent.has(path) };
    await using handle = folder === null ? null : await openIn(folder, file.name);
    const stats = await handle?.stat();
    // One of the same name may have been there before.
    if (stats?.isDirectory() === true) this.#forget(path);
    else if (handle === null || stats?.isFile() !== true) await this.#leave(path, file);
    else if (this.#sent.get(path) === stampOf(stats)) return;
    // Unlike that of a change of content, a container cannot set this time.
    else if (Date.now() - stats.ctimeMs < LOOK_MS) this.#changed.add(path);
    else await this.#send(path, handle, stats, file);
  }

  /** There is no file of this name. */
  async #leave(path: string, { folder, ...file }: MaybeMarked): Promise<void> {
    const { checkpoints } = this.#options;
    if (checkpoints !== undefined && this.#sent.has(path)) {
      await removeCheckpoint(checkpoints, { ...this.#options, path });
      this.#sent.delete(path);
      if (folder !== null) await removeMarks({ ...file, folder });
    }
    if (this.#watchers.has(path)) this.#goneFolders.add(path);
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

  async #send(path: string, handle: FileHandle, stats: Stats, file: MaybeMarked): Promise<void> {
    const { checkpoints } = this.#options;
    const send = (): Promise<boolean> => this.#upload(path, handle, stats);
    if (checkpoints === undefined || file.folder === null) await send();
    else await underMarks({ ...file, folder: file.folder }, send);
    if (this.#sent.get(path) === stampOf(stats)) checkpoints?.senders.set(path, checkpoints.host);
  }

  /** False when the file has changed meanwhile. */
  async #upload(path: string, handle: FileHandle, stats: Stats): Promise<boolean> {
    const { upload, store, signal, onBegun } = this.#options;
    const stamp = stampOf(stats);
    try {
      await store.upload(below(upload.to, path), wholeContent(handle, stats.size, stamp), {
        signal,
        onBegun,
        ...(upload.kmsKeyId === null ? {} : { kmsKeyId: upload.kmsKeyId }),
      });
    } catch (thrown) {
      if (!(thrown instanceof ChangedWhileSent)) throw thrown;
      this.#changed.add(path);
      return false;
    }
    this.#sent.set(path, stamp);
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
