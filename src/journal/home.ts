/** Where things lie in a home (`--home`, default `~/.optml`). */
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '../make-folder.js';
import type { JobCreated } from '../report/events.js';

/** The kinds of job, each with a folder of its own: two jobs of different kinds may have one name. */
export type Kind = NonNullable<JobCreated['jobKind']>;

export const KINDS: readonly Kind[] = ['training', 'processing'];

export interface Home {
  readonly folder: string;
  /** The embedded store. */
  readonly s3: string;
  /** A folder a job: journal, logs, and while it runs the room of each host. */
  readonly jobs: string;
  /** Locks and sockets of running jobs. */
  readonly run: string;
  /** Outputs that could not be uploaded. */
  readonly kept: string;
}

/** Makes what is missing; only the user may look into it. Throws what the file system throws. */
export async function openHome(folder: string): Promise<Home> {
  const home = homeAt(folder);
  for (const part of [folder, home.jobs, home.run, home.kept]) await makeFolder(part, 0o700);
  return home;
}

export function homeAt(folder: string): Home {
  return {
    folder,
    s3: join(folder, 's3'),
    jobs: join(folder, 'jobs'),
    run: join(folder, 'run'),
    kept: join(folder, 'kept'),
  };
}

/**
 * The files of one job. Names differ in more than case: uniqueness is taken as case-insensitive, as the ARN is
 * (UNCONFIRMED, contract §4.1).
 */
export interface JobFiles {
  /** Names the job's lock and socket. */
  readonly id: string;
  readonly folder: string;
  readonly journal: string;
  readonly logs: string;
  /** What the sweep needs to close the job for a process that died: `{plan}`. */
  readonly plan: string;
  /** Listings and rooms; gone when the job has ended. */
  readonly work: string;
}

export function jobFiles(home: Home, kind: Kind, name: string): JobFiles {
  return filesIn(`${kind}-${name.toLowerCase()}`, join(home.jobs, kind, name.toLowerCase()));
}

/** The job that a lock or socket of this name belongs to; null for those of something else. */
export function jobOfId(id: string): { readonly kind: Kind; readonly name: string } | null {
  const kind = KINDS.find(one => id.startsWith(`${one}-`));
  return kind === undefined ? null : { kind, name: id.slice(kind.length + 1) };
}

/** The files of a new run that is made ready before it takes the place of the last one. */
export function draftFiles({ id, folder }: JobFiles): JobFiles {
  return filesIn(id, join(dirname(folder), `.draft-${basename(folder)}`));
}

function filesIn(id: string, folder: string): JobFiles {
  return {
    id,
    folder,
    journal: join(folder, 'journal.ndjson'),
    logs: join(folder, 'logs'),
    plan: join(folder, 'plan.json'),
    work: join(folder, 'work'),
  };
}
