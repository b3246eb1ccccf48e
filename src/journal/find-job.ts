/** A job of this home, found by its name and, where that is not enough, its kind. */
import { OptmlError } from '../errors.js';
import { KIND_WORDS } from '../report/kind-words.js';
import type { JobState } from '../report/job-state.js';
import { jobFiles, KINDS, type Home, type Kind } from './home.js';
import { readJob } from './journal.js';

export interface JobRef {
  readonly kind: Kind;
  readonly name: string;
}

/** Throws JOB_NOT_FOUND. */
export async function readState(home: Home, { kind, name }: JobRef): Promise<JobState> {
  const state = isName(name) ? await readJob(jobFiles(home, kind, name)) : undefined;
  if (state === undefined)
    throw new OptmlError(
      'JOB_NOT_FOUND',
      `${KIND_WORDS[kind].notFound(name)} (No ${KIND_WORDS[kind].job} "${name}" in ${home.folder}.)`,
    );
  return state;
}

/** Throws JOB_NOT_FOUND, and USAGE when jobs of several kinds have the name and `kind` does not say which is meant. */
export async function findJob(home: Home, name: string, kind: Kind | undefined): Promise<JobRef> {
  if (kind !== undefined) {
    await readState(home, { kind, name });
    return { kind, name };
  }
  const states = await Promise.all(
    KINDS.map(async one => (isName(name) ? readJob(jobFiles(home, one, name)) : undefined)),
  );
  const found = KINDS.filter((_, index) => states[index] !== undefined);
  const [only] = found;
  if (only === undefined)
    throw new OptmlError(
      'JOB_NOT_FOUND',
      `Requested resource not found. (No job "${name}" in ${home.folder}.)`,
    );
  if (found.length > 1)
    throw new OptmlError(
      'USAGE',
      `There are jobs of several kinds with the name "${name}": add --kind ${found.join(' or --kind ')}.`,
    );
  return { kind: only, name };
}

function isName(name: string): boolean {
  return /^[A-Za-z0-9-]{1,63}$/.test(name);
}
