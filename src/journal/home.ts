/** Where things lie in a home (`--home`, default `~/.optml`). */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

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
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const part of [home.jobs, home.run, home.kept]) await mkdir(part, { recursive: true, mode: 0o700 });
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
  /** Where a new run of the job is made ready before it takes the place of the last one. */
  readonly draft: string;
  readonly journal: string;
  readonly logs: string;
  /** What the sweep needs to close the job for a process that died: `{plan}`. */
  readonly plan: string;
  /** Listings and rooms; gone when the job has ended. */
  readonly work: string;
}

export function jobFiles(home: Home, kind: 'training', name: string): JobFiles {
  const id = `${kind}-${name.toLowerCase()}`;
  return filesIn(
    id,
    join(home.jobs, kind, name.toLowerCase()),
    join(home.jobs, kind, `.draft-${name.toLowerCase()}`),
  );
}

/** The same files while they lie in the draft folder. */
export function draftFiles(files: JobFiles): JobFiles {
  return filesIn(files.id, files.draft, files.draft);
}

function filesIn(id: string, folder: string, draft: string): JobFiles {
  return {
    id,
    folder,
    draft,
    journal: join(folder, 'journal.ndjson'),
    logs: join(folder, 'logs'),
    plan: join(folder, 'plan.json'),
    work: join(folder, 'work'),
  };
}
