/**
 * Outputs that lie in a folder of this machine. What is in it was written by a container and is not trusted: links are
 * never followed, only folders are entered, only plain files are opened. The container has ended, so nothing moves meanwhile.
 */
import { constants } from 'node:fs';
import { lstat, open, opendir, readlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import { stampOf, type HostOutputs, type OutputEntry } from './output-entry.js';

/** Large reads: the packer is not the limit then. */
const READ_BYTES = 512 * 1024;

/** `locate` says where a path of the container lies here. Its parents up to the mount are this program's own. */
export function folderOutputs(
  locate: (containerPath: string) => string,
  mounts: readonly string[],
): HostOutputs {
  const real = async (path: string): Promise<boolean> => {
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
      const info = await lstatOrNull(locate([mount, ...parts.slice(0, count)].join('/')));
      if (info === null || (count < parts.length && !info.isDirectory())) return false;
    }
    return true;
  };
  return {
    async *entries(folder) {
      if (!(await real(folder))) return;
      const root = locate(folder);
      if ((await lstatOrNull(root))?.isDirectory() === true) yield* walk(root, '');
    },
    async start(file, maxBytes) {
      if (!(await real(file))) return null;
      const path = locate(file);
      const info = await lstatOrNull(path);
      if (info?.isFile() !== true || info.size === 0) return null;
      await using handle = await openPlain(path);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
      return bytesRead === 0 ? null : buffer.subarray(0, bytesRead);
    },
  };
}

async function* walk(root: string, below: string): AsyncGenerator<OutputEntry> {
  for await (const { name } of await opendir(join(root, below), { bufferSize: 512 })) {
    const path = below === '' ? name : `${below}/${name}`;
    const info = await lstatOrNull(join(root, path));
    // A name that is not UTF-8 cannot be found again by its text.
    const entry = info === null ? unnamable(path) : await entryOf(root, path, info);
    yield entry;
    if (entry.kind === 'folder') yield* walk(root, path);
  }
}

async function entryOf(
  root: string,
  path: string,
  info: NonNullable<Awaited<ReturnType<typeof lstatOrNull>>>,
): Promise<OutputEntry> {
  const common = {
    path,
    mode: Number(info.mode) & 0o7777,
    mtime: Math.floor(Number(info.mtimeMs) / 1000),
    size: 0,
    body: empty,
  };
  if (info.isFile())
    return {
      ...common,
      kind: 'file',
      size: Number(info.size),
      stamp: stampOf(info),
      body: () => contentOf(join(root, path), Number(info.size)),
    };
  if (info.isDirectory()) return { ...common, kind: 'folder' };
  if (info.isSymbolicLink()) return { ...common, kind: 'link', target: await readlink(join(root, path)) };
  return { ...common, kind: 'other' };
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
async function openPlain(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

async function lstatOrNull(path: string): Promise<Awaited<ReturnType<typeof lstat>> | null> {
  try {
    return await lstat(path);
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
