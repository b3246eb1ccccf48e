/** A job's events on disk, one JSON document a line, appended and never rewritten: what a crash leaves is readable up to its last whole line. */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import type { JobEvent, LogLine } from '../report/events.js';
import { foldEvents, type JobState } from '../report/job-state.js';
import { jobFiles, KINDS, type Home, type JobFiles, type Kind } from './home.js';

export interface Journal {
  /** Log lines for which the disk had no room. */
  readonly lostLines: number;
  /** Everything that was said is on the disk. */
  readonly isWhole: boolean;
  append(event: JobEvent): void;
  /** Appends lines to the log of their host. */
  log(lines: readonly LogLine[]): void;
  close(): void;
}

/**
 * Opens the journal of a job whose folder exists; events are added to what is there.
 *
 * A disk that is full must not stop a job from being ended and cleaned up: events that cannot be written wait for the next
 * one, by when there may be room, and lines of a log that cannot be written are counted and dropped.
 */
export async function openJournal(files: JobFiles): Promise<Journal> {
  await mkdir(files.logs, { recursive: true, mode: 0o700 });
  const journal = openSync(files.journal, 'a+', 0o600);
  const logs = new Map<string, number>();
  const logOf = (host: string): number | null => {
    const open = logs.get(host) ?? openWhereRoom(join(files.logs, `${host}.ndjson`));
    if (open !== null) logs.set(host, open);
    return open;
  };
  // A line that a crash cut off is not to be gone on with.
  let waiting = endsWhole(journal) ? '' : '\n';
  let lostLines = 0;
  return {
    get lostLines() {
      return lostLines;
    },
    get isWhole() {
      return waiting === '';
    },
    append(event) {
      waiting += `${JSON.stringify(event)}\n`;
      waiting = waiting.slice(writeWhole(journal, waiting));
    },
    log(lines) {
      const [first] = lines;
      if (first === undefined) return;
      const text = lines.map(({ time, message }) => `${JSON.stringify([time, message])}\n`).join('');
      const log = logOf(first.host);
      if (log === null || writeWhole(log, text) === 0) lostLines += lines.length;
    },
    close() {
      for (const descriptor of [journal, ...logs.values()]) closeSync(descriptor);
    },
  };
}

function endsWhole(descriptor: number): boolean {
  const { size } = fstatSync(descriptor);
  const last = Buffer.alloc(1);
  return size === 0 || (readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] === 0x0a);
}

/** All of the text, or nothing of it: the characters that were written. */
function writeWhole(descriptor: number, text: string): number {
  const bytes = Buffer.from(text);
  const { size } = fstatSync(descriptor);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    return text.length;
  } catch (thrown) {
    if (!isFull(thrown)) throw thrown;
    // Half a line would spoil the one behind it.
    ftruncateSync(descriptor, size);
    return 0;
  }
}

function openWhereRoom(path: string): number | null {
  try {
    return openSync(path, 'a', 0o600);
  } catch (thrown) {
    if (isFull(thrown)) return null;
    throw thrown;
  }
}

function isFull(thrown: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(systemCode(thrown) ?? '');
}

/** Undefined when there is no such job, or nothing was said of it before a crash. */
export async function readJob(files: JobFiles): Promise<JobState | undefined> {
  return foldEvents(await readEvents(files));
}

async function readEvents(files: JobFiles): Promise<JobEvent[]> {
  const text = await readFile(files.journal, 'utf8').catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') return '';
    throw thrown;
  });
  return readableLines(text);
}

/** Every job of a home, of one kind or of all, in no order. */
export async function readJobs(home: Home, kinds: readonly Kind[] = KINDS): Promise<JobState[]> {
  const states = await Promise.all(kinds.map(kind => readJobsOf(home, kind)));
  return states.flat();
}

async function readJobsOf(home: Home, kind: Kind): Promise<JobState[]> {
  const names = await readdir(join(home.jobs, kind)).catch((thrown: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(thrown) ?? '')) return [] as string[];
    throw thrown;
  });
  const states = await Promise.all(
    names.filter(name => !name.startsWith('.')).map(name => readJob(jobFiles(home, kind, name))),
  );
  return states.filter(state => state !== undefined);
}

/** Without what a crash cut off or spoiled: everything else still holds. */
function readableLines(text: string): JobEvent[] {
  const events: JobEvent[] = [];
  for (const line of text.split('\n')) {
    try {
      events.push(JSON.parse(line) as JobEvent);
    } catch {
      continue;
    }
  }
  return events;
}
