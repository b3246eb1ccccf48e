/** A folder as a listing: its files in the order in which S3 would list their keys. */

import { realpathSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { asOptmlError, systemCode } from '../errors.js';
import { statFile, type FileFacts } from './file-object.js';
import { compareKeys } from './key-order.js';

export interface FolderFile extends FileFacts {
  /** The path below the folder, joined by `/`. */
  readonly key: string;
}

export interface WalkRequest {
  readonly folder: string;
  /** Only keys that start with this; folders that cannot hold such keys are not read. */
  readonly prefix: string;
  /** What a symbolic link is: nothing, or what it leads to as long as that lies in the folder. */
  readonly links: 'absent' | 'inside';
  readonly signal: AbortSignal;
}

interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

interface Frame {
  /** Of the folder: empty, or ending with `/`. */
  readonly key: string;
  /** Where the folder really is. */
  readonly path: string;
  readonly entries: Iterator<Entry, undefined>;
}

/** After so many files the event loop gets its turn: the calls for one file are synchronous, being faster so. */
const FILES_A_TURN = 256;

/**
 * Every ordinary file below `folder`, in UTF-8 byte order of the keys, one folder's names in memory at a time.
 * What vanishes meanwhile is left out. A missing folder has no files.
 * Throws FILE_UNUSABLE when a folder may not be read.
 */
export async function* walkFolder({
  folder,
  prefix,
  links,
  signal,
}: WalkRequest): AsyncGenerator<FolderFile> {
  const start = startOf({ folder, prefix, links });
  if (start === null) return;
  const root = realPath(folder) ?? folder;
  const stack: Frame[] = [await openFrame({ ...start, root, links, prefix, above: [] })];
  let files = 0;
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    signal.throwIfAborted();
    const next = frame.entries.next();
    if (next.done === true) {
      stack.pop();
      continue;
    }
    const entry = next.value;
    if (entry.kind === 'folder') {
      const path = childPath(frame.path, entry.name, links);
      if (path !== null)
        stack.push(
          await openFrame({ key: `${frame.key}${entry.name}/`, path, root, links, prefix, above: stack }),
        );
    } else {
      const path = childPath(frame.path, entry.name, links);
      const facts = path === null ? null : statFile(path);
      if (facts !== null) yield { key: frame.key + entry.name, ...facts };
      if (++files % FILES_A_TURN === 0) await turn();
    }
  }
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

/** The deepest folder that holds every key with this prefix; null where there is none. */
function startOf({ folder, prefix, links }: Omit<WalkRequest, 'signal'>): Pick<Frame, 'key' | 'path'> | null {
  const key = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const segments = key.split('/').slice(0, -1);
  if (
    segments.some(segment => segment === '' || segment === '.' || segment === '..' || segment.includes('\0'))
  )
    return null;
  const root = realPath(folder);
  if (root === null) return null;
  const path = realPath(join(root, ...segments));
  if (path === null) return null;
  const honest = links === 'absent' ? path === join(root, ...segments) : isInside(path, root);
  return honest ? { key, path } : null;
}

async function openFrame({
  key,
  path,
  root,
  links,
  prefix,
  above,
}: Pick<Frame, 'key' | 'path'> & {
  readonly root: string;
  readonly links: WalkRequest['links'];
  readonly prefix: string;
  readonly above: readonly Frame[];
}): Promise<Frame> {
  const entries: Entry[] = [];
  for (const dirent of await readFolder(path)) {
    const { name } = dirent;
    const kind = dirent.isFile()
      ? 'file'
      : dirent.isDirectory()
        ? 'folder'
        : dirent.isSymbolicLink() && links === 'inside'
          ? kindBehindLink({
              path: join(path, name),
              root,
              folders: [path, ...above.map(frame => frame.path)],
            })
          : null;
    if (kind !== null && mayMatch(key + name, kind, prefix)) entries.push({ name, kind });
  }
  // All keys of a folder have its name and a slash in front, so that is how it sorts among its neighbours.
  entries.sort((a, b) => compareKeys(sortName(a), sortName(b)));
  return { key, path, entries: entries.values() };
}

function sortName({ name, kind }: Entry): string {
  return kind === 'folder' ? `${name}/` : name;
}

function mayMatch(key: string, kind: Entry['kind'], prefix: string): boolean {
  return kind === 'file'
    ? key.startsWith(prefix)
    : `${key}/`.startsWith(prefix) || prefix.startsWith(`${key}/`);
}

async function readFolder(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw asOptmlError(thrown);
  }
}

/** Null for a link that leads out of the root, into a folder that we are in already, or to nothing. */
function kindBehindLink({
  path,
  root,
  folders,
}: {
  readonly path: string;
  readonly root: string;
  readonly folders: readonly string[];
}): Entry['kind'] | null {
  const real = realPath(path);
  if (real === null || !isInside(real, root)) return null;
  const stats = statSync(real, { throwIfNoEntry: false });
  if (stats?.isFile() === true) return 'file';
  return stats?.isDirectory() === true && !folders.some(folder => isInside(folder, real)) ? 'folder' : null;
}

function childPath(folder: string, name: string, links: WalkRequest['links']): string | null {
  const path = join(folder, name);
  return links === 'inside' ? realPath(path) : path;
}

/** Where a path leads with every link followed; null where it leads nowhere. */
export function realPath(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG') return null;
    throw asOptmlError(thrown);
  }
}

/** Is `path` the folder itself or below it? Both without links. */
export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
