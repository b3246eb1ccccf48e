/**
 * One owner process a job. A lock is a file of a rising number, made only if it is new: whoever finds the newest one's owner
 * dead makes the next, and of two who try at once the file system lets one through.
 */
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import { formatOwner, lifeOf, parseOwner, type Owner } from './owner.js';
import { makeWhole, unlinkIfThere } from './whole-file.js';

export interface JobLock {
  release(): Promise<void>;
}

export type LockState =
  | { readonly kind: 'free' }
  | { readonly kind: 'held'; readonly owner: Owner }
  /** Its owner died. */
  | { readonly kind: 'stale'; readonly owner: Owner }
  | { readonly kind: 'unknown'; readonly owner: Owner | null };

/** Null when somebody else has it. `id` is free of slashes. With `force`, an owner of whom nothing is known counts as dead. */
export async function acquireLock(
  folder: string,
  id: string,
  { owner, force = false }: { readonly owner: Owner; readonly force?: boolean },
): Promise<JobLock | null> {
  for (;;) {
    const { newest, state } = await look(folder, id, owner.home);
    if (state.kind === 'held' || (state.kind === 'unknown' && !force)) return null;
    const mine = join(folder, `${id}.${newest + 1}.lock`);
    if (!(await makeWhole(mine, formatOwner(owner)))) continue;
    // Somebody who looked earlier may have taken a lower number meanwhile.
    const others = (await numbersOf(folder, id)).filter(number => number !== newest + 1);
    for (const number of others) {
      const other = await readOwner(join(folder, `${id}.${number}.lock`));
      if (lifeOf(other ?? null, owner.home) === 'alive') {
        await unlink(mine);
        return null;
      }
      await unlinkIfThere(join(folder, `${id}.${number}.lock`));
    }
    return { release: () => unlinkIfThere(mine) };
  }
}

export async function lockState(folder: string, id: string, home: string): Promise<LockState> {
  return (await look(folder, id, home)).state;
}

async function look(folder: string, id: string, home: string): Promise<{ newest: number; state: LockState }> {
  for (;;) {
    const newest = Math.max(0, ...(await numbersOf(folder, id)));
    if (newest === 0) return { newest, state: { kind: 'free' } };
    const owner = await readOwner(join(folder, `${id}.${newest}.lock`));
    // It was released between the two looks.
    if (owner === undefined) continue;
    if (owner === null) return { newest, state: { kind: 'unknown', owner } };
    const kinds = { alive: 'held', dead: 'stale', unknown: 'unknown' } as const;
    return { newest, state: { kind: kinds[lifeOf(owner, home)], owner } };
  }
}

/** Names of the locks in a folder, as they were given to `acquireLock`; none where there is no folder. */
export async function lockIds(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((thrown: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(thrown) ?? '')) return [] as string[];
    throw thrown;
  });
  return [...new Set(names.flatMap(name => /^(.+)\.\d+\.lock$/.exec(name)?.[1] ?? []))];
}

async function numbersOf(folder: string, id: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .filter(name => name.startsWith(`${id}.`) && name.endsWith('.lock'))
    .map(name => Number(name.slice(id.length + 1, -'.lock'.length)))
    .filter(Number.isInteger);
}

/** Undefined when the file is gone, null when nothing can be read from it. */
async function readOwner(file: string): Promise<Owner | null | undefined> {
  try {
    return parseOwner(await readFile(file, 'utf8'));
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}
