/** A job that another process runs: told to stop, waited for, read along. */
import { OptmlError } from '../errors.js';
import type { LogLine } from '../report/events.js';
import { hasEnded, type JobState } from '../report/job-state.js';
import { KIND_WORDS } from '../report/kind-words.js';
import { askToStop } from './control-socket.js';
import { readState, type JobRef } from './find-job.js';
import { jobFiles, type Home } from './home.js';
import { lockState } from './job-lock.js';
import { nextChange, readLogs } from './log-reader.js';

/** Tells the job's owner, and does not wait for the end. Throws JOB_NOT_FOUND, JOB_ENDED. */
export async function stopJob(home: Home, job: JobRef): Promise<void> {
  const { kind, name } = job;
  const state = await readState(home, job);
  if (hasEnded(state))
    throw new OptmlError(
      'JOB_ENDED',
      `The request was rejected because the ${KIND_WORDS[kind].job} is in status ${state.status}.`,
    );
  const { id } = jobFiles(home, kind, name);
  if (await askToStop(home.run, id)) return;
  // The owner may have ended it in this moment, or died.
  if (hasEnded(await readState(home, job))) return;
  const lock = await lockState(home.run, id, home.folder);
  if (lock.kind === 'stale' || lock.kind === 'free') throw ownerGone(name);
  throw new OptmlError(
    'JOB_ENDED',
    `The process that runs "${name}" does not answer (process ${lock.owner?.pid ?? 'unknown'}): try again, or end that process.`,
  );
}

/** Throws JOB_NOT_FOUND, and JOB_ENDED when the owner has died. */
export async function untilEnded(home: Home, job: JobRef): Promise<JobState> {
  const { folder } = jobFiles(home, job.kind, job.name);
  while (!(await isOver(home, job))) await nextChange(folder);
  const state = await readState(home, job);
  if (!hasEnded(state)) throw ownerGone(job.name);
  return state;
}

/** What it printed; with `follow`, until it has ended or its process is gone. Throws JOB_NOT_FOUND. */
export async function* logsOf(
  home: Home,
  job: JobRef,
  { follow }: { readonly follow: boolean },
): AsyncGenerator<LogLine> {
  await readState(home, job);
  const { logs } = jobFiles(home, job.kind, job.name);
  yield* readLogs(logs, { follow, ended: () => isOver(home, job) });
}

/** It has ended, or nobody is there who could end it. */
async function isOver(home: Home, job: JobRef): Promise<boolean> {
  const { kind } = await lockState(home.run, jobFiles(home, job.kind, job.name).id, home.folder);
  return kind === 'stale' || kind === 'free' || hasEnded(await readState(home, job));
}

function ownerGone(name: string): OptmlError {
  return new OptmlError(
    'JOB_ENDED',
    `The process that ran "${name}" is gone: "optml clean" ends the job and collects what it left.`,
  );
}
