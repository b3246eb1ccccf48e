/** Files that are being written: out of sight until they are whole, and swept when their process is dead. */

import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
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
  const path = join(folder, `${OWNER} ${randomUUID()}`);
  return { path, handle: await open(path, 'wx', 0o644) };
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
    await rm(path, { force: true });
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
  const [namespace, pid, started] = name.split(' ');
  if (namespace === PID_NAMESPACE && pid !== undefined)
    return !isAlive(Number(pid)) || startOf(Number(pid)) !== started;
  try {
    return now - (await stat(path)).mtimeMs > FOREIGN_AGE_MS;
  } catch {
    return false;
  }
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
const OWNER = `${PID_NAMESPACE} ${process.pid} ${startOf(process.pid)}`;
