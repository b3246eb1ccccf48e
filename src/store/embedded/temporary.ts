/** Files that are being written: out of sight until they are whole, and swept when their process is dead. */

import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../errors.js';
import { OWN_FOLDER } from './placement.js';

export interface Temporary {
  readonly path: string;
  readonly handle: FileHandle;
}

/** A new, empty file on the file system of the store. */
export async function createTemporary(root: string): Promise<Temporary> {
  const folder = temporaryFolder(root);
  await mkdir(folder, { recursive: true });
  const path = temporaryPath(root);
  return { path, handle: await open(path, 'wx', 0o644) };
}

/** As `createTemporary`, at once; the descriptor is the caller's to close. */
export function openTemporary(root: string): { readonly path: string; readonly descriptor: number } {
  const path = temporaryPath(root);
  try {
    return { path, descriptor: openSync(path, 'wx', 0o644) };
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown;
    mkdirSync(temporaryFolder(root), { recursive: true });
    return { path, descriptor: openSync(path, 'wx', 0o644) };
  }
}

/** Makes a small temporary file in one go, and returns what `fill` makes of its descriptor. On a failure no file remains. */
export function makeTemporary<T>(
  root: string,
  fill: (descriptor: number) => T,
): { readonly path: string; readonly result: T } {
  const { path, descriptor } = openTemporary(root);
  let result: T;
  try {
    result = fill(descriptor);
  } catch (thrown) {
    rmSync(path, { force: true });
    throw thrown;
  } finally {
    closeSync(descriptor);
  }
  return { path, result };
}

/** A path for a temporary file that is not there yet. */
export function temporaryPath(root: string): string {
  return `${temporaryFolder(root)}/${OWNER} ${randomUUID()}`;
}

/** A file of a process that cannot be looked at (another pid namespace) counts as left over after a day. */
const FOREIGN_AGE_MS = 24 * 3600 * 1000;

/**
 * Removes what dead processes left unfinished, and returns the paths removed. `now` in milliseconds since 1970.
 */
export async function sweepTemporary(root: string, now: number): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await namesIn(temporaryFolder(root))) {
    const path = join(temporaryFolder(root), name);
    if (!(await isLeftOver({ name, path, now }))) continue;
    await rm(path, { recursive: true, force: true });
    removed.push(path);
  }
  return removed;
}

function temporaryFolder(root: string): string {
  return join(root, OWN_FOLDER, 'tmp');
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

async function isLeftOver({
  name,
  path,
  now,
}: {
  readonly name: string;
  readonly path: string;
  readonly now: number;
}): Promise<boolean> {
  const alive = isOwnerAlive(name);
  if (alive !== null) return !alive;
  try {
    return now - (await stat(path)).mtimeMs > FOREIGN_AGE_MS;
  } catch {
    return false;
  }
}

/** Does the process run whose `OWNER` starts this text? Null for one that cannot be looked at. */
export function isOwnerAlive(owner: string): boolean | null {
  const [namespace, pid, started] = owner.split(' ');
  if (namespace !== PID_NAMESPACE || pid === undefined) return null;
  return isAlive(Number(pid)) && startOf(Number(pid)) === started;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return systemCode(thrown) === 'EPERM';
  }
}

/** The 22nd field of /proc/PID/stat: clock ticks since boot; a pid that was given out again has another. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0';
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
  } catch {
    return '0';
  }
}

const PID_NAMESPACE = pidNamespace();
/** Names this process among all that may ever use the store. */
export const OWNER = `${PID_NAMESPACE} ${process.pid} ${startOf(process.pid)}`;
