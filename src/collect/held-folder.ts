/** One folder below a root, held open: the next file is likely to be in it. */
import { open, type FileHandle } from 'node:fs/promises';
import { ANYTHING, isGone, openBeneath, within } from './open-beneath.js';

export class HeldFolder {
  readonly #root: string;
  #path: string | null = null;
  #handle: FileHandle | null = null;

  constructor(root: string) {
    this.#root = root;
  }

  /** `path` is below the root. Null when there is no such folder. Open until another one is asked for. */
  async at(path: string): Promise<FileHandle | null> {
    if (path === this.#path) return this.#handle;
    await this[Symbol.asyncDispose]();
    this.#handle = await unlessGone(openBeneath(this.#root, path, 'folder'));
    this.#path = path;
    return this.#handle;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const handle = this.#handle;
    this.#path = null;
    this.#handle = null;
    await handle?.close();
  }
}

/** Null when it is gone, or a link or device stands in its place: nothing that can be sent. */
export async function openIn(folder: FileHandle, name: string): Promise<FileHandle | null> {
  return unlessGone(open(`${within(folder)}/${name}`, ANYTHING));
}

async function unlessGone(opening: Promise<FileHandle>): Promise<FileHandle | null> {
  try {
    return await opening;
  } catch (thrown) {
    if (isGone(thrown)) return null;
    throw thrown;
  }
}
