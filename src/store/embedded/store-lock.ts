/** One at a time, also among processes: for writes that depend on what is there. */

import { linkSync, lstatSync, mkdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { hash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../../errors.js';
import type { ObjectAddress } from '../port.js';
import { OWN_FOLDER } from './placement.js';
import { isOwnerAlive, makeTemporary, OWNER } from './temporary.js';

/** Between two looks at a lock that another process holds: what is done under a lock takes microseconds. */
const LOOK_MS = 1;
/** A lock of a process that cannot be looked at is given up after this time. */
const FOREIGN_MS = 10_000;

/**
 * Runs `action`, which must do all it does at once, while nobody else runs one for the same object. A lock whose
 * process is dead is broken.
 */
export async function underLock<T>(root: string, address: ObjectAddress, action: () => T): Promise<T> {
  const path = join(root, OWN_FOLDER, 'locks', hash('sha256', `${address.bucket}/${address.key}`));
  while (!acquire(root, path)) {
    breakIfDead(root, path);
    await delay(LOOK_MS);
  }
  try {
    return action();
  } finally {
    rmSync(path, { force: true });
  }
}

/** The lock comes into being with its owner's name in it. */
function acquire(root: string, path: string): boolean {
  const own = makeTemporary(root, descriptor => writeSync(descriptor, OWNER));
  try {
    linkSync(own.path, path);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') mkdirSync(dirname(path), { recursive: true });
    else if (systemCode(thrown) !== 'EEXIST') throw thrown;
    return false;
  } finally {
    rmSync(own.path, { force: true });
  }
}

/** A dead lock is broken under a lock of its own: it may have been broken since, and taken anew by somebody who lives. */
function breakIfDead(root: string, path: string): void {
  if (!isDead(path)) return;
  const breaking = `${path}+`;
  if (!acquire(root, breaking)) {
    breakIfDead(root, breaking);
    return;
  }
  try {
    if (isDead(path)) rmSync(path, { force: true });
  } finally {
    rmSync(breaking, { force: true });
  }
}

function isDead(path: string): boolean {
  try {
    const alive = isOwnerAlive(readFileSync(path, 'utf8'));
    return alive === null ? Date.now() - lstatSync(path).mtimeMs > FOREIGN_MS : !alive;
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}
