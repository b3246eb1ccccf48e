/** A job's events on disk, one JSON document a line, appended and never rewritten: what a crash leaves is readable up to its last whole line. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import type { JobEvent, LogLine } from '../report/events.js';
import { foldEvents, type JobState } from '../report/job-state.js';
import { jobFiles, type Home, type JobFiles } from './home.js';

export interface Journal {
  append(event: JobEvent): void;
  /** Appends lines to the log of their host. */
  log(lines: readonly LogLine[]): void;
  close(): void;
}

/** Opens the journal of a job whose folder exists; events are added to what is there. */
export async function openJournal(files: JobFiles): Promise<Journal> {
  await mkdir(files.logs, { recursive: true, mode: 0o700 });
  const journal = openSync(files.journal, 'a', 0o600);
  const logs = new Map<string, number>();
  const logOf = (host: string): number => {
    const open = logs.get(host) ?? openSync(join(files.logs, `${host}.ndjson`), 'a', 0o600);
    logs.set(host, open);
    return open;
  };
  return {
    append(event) {
      writeSync(journal, `${JSON.stringify(event)}\n`);
    },
    log(lines) {
      const [first] = lines;
      if (first === undefined) return;
      writeSync(logOf(first.host), lines.map(({ time, message }) => `${JSON.stringify([time, message])}\n`).join(''));
    },
    close() {
      for (const descriptor of [journal, ...logs.values()]) closeSync(descriptor);
    },
  };
}

/** Undefined when there is no such job, or nothing was said of it before a crash. */
export async function readJob(files: JobFiles): Promise<JobState | undefined> {
  return foldEvents(await readEvents(files));
}

export async function readEvents(files: JobFiles): Promise<JobEvent[]> {
  const text = await readFile(files.journal, 'utf8').catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') return '';
    throw thrown;
  });
  return wholeLines(text).map(line => JSON.parse(line) as JobEvent);
}

/** Every job of a home, in no order. */
export async function readJobs(home: Home): Promise<JobState[]> {
  const names = await readdir(join(home.jobs, 'training')).catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') return [] as string[];
    throw thrown;
  });
  const states = await Promise.all(names.filter(name => !name.startsWith('.')).map(name => readJob(jobFiles(home, 'training', name))));
  return states.filter(state => state !== undefined);
}

/** A last line without its newline was cut off by a crash. */
function wholeLines(text: string): string[] {
  return text.slice(0, text.lastIndexOf('\n') + 1).split('\n').slice(0, -1);
}
