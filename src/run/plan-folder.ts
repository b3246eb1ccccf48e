/** The folder of a survey that no job owns: its lock says whose it is, so that a dead process's can be removed. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import type { Home } from '../journal/home.js';
import { acquireLock, lockIds, lockState } from '../journal/job-lock.js';
import type { Owner } from '../journal/owner.js';
import { removeTree } from './remove-tree.js';

interface Place {
  readonly home: Home;
  readonly owner: Owner;
}

export interface AbandonedPlan {
  readonly folder: string;
  /** `unknown`: it may live on another machine or in another container. */
  readonly owner: 'dead' | 'unknown';
  /** False when another process is at it. */
  readonly remove: () => Promise<boolean>;
}

/** Gives a folder that is there until `use` has ended. The lock is there before it and goes after it. */
export async function withPlanFolder<T>(
  { home, owner }: Place,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const id = `plan-${randomBytes(4).toString('hex')}`;
  const folder = join(home.run, id);
  const lock = await acquireLock(home.run, id, { owner });
  try {
    await mkdir(folder, { mode: 0o700 });
    return await use(folder);
  } finally {
    await removeTree(folder);
    await lock?.release();
  }
}

/** What `kill -9` left of them. */
export async function abandonedPlans({ home, owner }: Place): Promise<AbandonedPlan[]> {
  const found: AbandonedPlan[] = [];
  for (const id of await planIds(home)) {
    const { kind } = await lockState(home.run, id, owner.home);
    if (kind === 'held') continue;
    found.push({
      folder: join(home.run, id),
      // One without a lock was made by an earlier version.
      owner: kind === 'unknown' ? 'unknown' : 'dead',
      remove: () => remove({ home, owner }, id),
    });
  }
  return found;
}

async function remove({ home, owner }: Place, id: string): Promise<boolean> {
  const lock = await acquireLock(home.run, id, { owner, force: true });
  if (lock === null) return false;
  await removeTree(join(home.run, id));
  await lock.release();
  return true;
}

async function planIds({ run }: Home): Promise<string[]> {
  const names = await readdir(run).catch((thrown: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(thrown) ?? '')) return [] as string[];
    throw thrown;
  });
  const ids = [...names, ...(await lockIds(run))].filter(name => /^plan-[0-9a-f]{8}$/.test(name));
  return [...new Set(ids)];
}
