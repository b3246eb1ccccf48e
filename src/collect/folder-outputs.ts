/**
 * Outputs that lie in a folder of this machine. What is in it was written by a container and is not trusted: links are
 * never followed, only folders are entered, only plain files are opened. The container has ended, so nothing moves meanwhile.
 */
import { closeSync, constants, lstatSync, openSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { open, opendir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import type { FileBody } from '../store/port.js';
import { stampOf, type HostOutputs, type OutputEntry } from './output-entry.js';

/** Large reads: the packer is not the limit then. */
const READ_BYTES = 512 * 1024;

/** `locate` says where a path of the container lies here. Its parents up to the mount are this program's own. */
export function folderOutputs(
  locate: (containerPath: string) => string,
  mounts: readonly string[],
): HostOutputs {
  const real = (path: string): boolean => {
    // Between the mount and the path, the container may have put links in place of folders.
    const mount = mounts
      .filter(one => path === one || path.startsWith(`${one}/`))
      .sort((a, b) => b.length - a.length)[0];
    if (mount === undefined) return false;
    const parts = path
      .slice(mount.length)
      .split('/')
      .filter(part => part !== '');
    for (let count = 0; count <= parts.length; count += 1) {
      const info = lstatOrNull(locate([mount, ...parts.slice(0, count)].join('/')));
      if (info === null || (count < parts.length && !info.isDirectory())) return false;
    }
    return true;
  };
  const isFolder = (folder: string): boolean =>
    real(folder) && lstatOrNull(locate(folder))?.isDirectory() === true;
  return {
    isFolder: folder => Promise.resolve(isFolder(folder)),
    async *entries(folder) {
      if (isFolder(folder)) yield* walk(locate(folder), '');
    },
    async start(file, maxBytes) {
      if (!real(file)) return null;
      const path = locate(file);
      const info = lstatOrNull(path);
      if (info?.isFile() !== true || info.size === 0) return null;
      await using handle = await openPlain(path);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
      return bytesRead === 0 ? null : buffer.subarray(0, bytesRead);
    },
  };
}

/** After so many entries the event loop gets its turn: the calls for one are synchronous, being several times as fast so. */
const ENTRIES_A_TURN = 128;

async function* walk(root: string, below: string): AsyncGenerator<OutputEntry> {
  let count = 0;
  for await (const { name } of await opendir(join(root, below), { bufferSize: 512 })) {
    const path = below === '' ? name : `${below}/${name}`;
    const full = `${root}/${path}`;
    const info = lstatOrNull(full);
    // A name that is not UTF-8 cannot be found again by its text.
    const entry = info === null ? unnamable(path) : entryOf(full, path, info);
    yield entry;
    if (entry.kind === 'folder') yield* walk(root, path);
    if (++count % ENTRIES_A_TURN === 0) await turn();
  }
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

function entryOf(full: string, path: string, info: Stats): OutputEntry {
  const common = {
    path,
    mode: info.mode & 0o7777,
    mtime: Math.floor(info.mtimeMs / 1000),
    size: 0,
    body: empty,
  };
  if (info.isFile())
    return {
      ...common,
      kind: 'file',
      size: info.size,
      stamp: stampOf(info),
      body: () => contentOf(full, info.size),
      held: () => heldContentOf(full, info.size),
      open: () => openContent(full, info.size),
    };
  if (info.isDirectory()) return { ...common, kind: 'folder' };
  if (info.isSymbolicLink()) return { ...common, kind: 'link', target: readlinkSync(full) };
  return { ...common, kind: 'other' };
}

async function openContent(path: string, size: number): Promise<FileBody & AsyncDisposable> {
  const handle = await openPlain(path);
  return {
    size,
    async read(into, offset) {
      let filled = 0;
      while (filled < into.length) {
        const { bytesRead } = await handle.read(into, filled, into.length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** Small contents share memory: a piece of its own for each costs more than to read it. */
const SLAB = 1024 * 1024;
let slab = Buffer.alloc(0);

function sliceOf(size: number): Buffer {
  if (size > SLAB / 4) return Buffer.allocUnsafeSlow(size);
  if (slab.length < size) slab = Buffer.allocUnsafeSlow(SLAB);
  const slice = slab.subarray(0, size);
  slab = slab.subarray(size);
  return slice;
}

function heldContentOf(path: string, size: number): Uint8Array {
  const descriptor = openSync(path, PLAIN);
  try {
    const bytes = sliceOf(size);
    let filled = 0;
    while (filled < size) {
      const count = readSync(descriptor, bytes, filled, size - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } finally {
    closeSync(descriptor);
  }
}

async function* contentOf(path: string, size: number): AsyncGenerator<Uint8Array> {
  await using handle = await openPlain(path);
  let position = 0;
  while (position < size) {
    const length = Math.min(READ_BYTES, size - position);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Never through a link, never waiting on a FIFO. */
const PLAIN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

async function openPlain(path: string): Promise<FileHandle> {
  return open(path, PLAIN);
}

function lstatOrNull(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return null;
    throw thrown;
  }
}

function unnamable(path: string): OutputEntry {
  return { path, kind: 'unnamable', mode: 0, mtime: 0, size: 0, body: empty };
}

async function* empty(): AsyncGenerator<Uint8Array> {
  // Nothing but files has content.
}
