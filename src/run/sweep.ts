/** What dead processes left: their jobs are ended, collected and closed. */
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engine/port.js';
import { asOptmlError } from '../errors.js';
import { draftFiles, jobFiles, jobOfId, type Home, type JobFiles } from '../journal/home.js';
import { removeSocket } from '../journal/control-socket.js';
import { acquireLock, lockIds, lockState } from '../journal/job-lock.js';
import { openJournal, readJob } from '../journal/journal.js';
import type { Owner } from '../journal/owner.js';
import type { Plan } from '../plan/plan.js';
import { PLATFORM_FAULT } from '../report/failure-reason.js';
import { hasEnded, kindOf, type JobState } from '../report/job-state.js';
import { KIND_WORDS } from '../report/kind-words.js';
import type { Store } from '../store/port.js';
import { collectOutputs } from './collect-outputs.js';
import { RunControl } from './control.js';
import { fetchTrees, keepOutputs } from './keep-outputs.js';
import { removeTree } from './remove-tree.js';
import { continueReport, type Observer, type Reporter } from './reporter.js';

export interface Sweep {
  readonly home: Home;
  readonly owner: Owner;
  readonly engine: Engine;
  /** Opened only when a job has something to upload. */
  readonly openStore: () => Promise<Store>;
  readonly observer: Observer;
  readonly now: () => number;
}

const ABANDON_MS = 30_000;

export interface AbandonedRun {
  readonly files: JobFiles;
  /** `unknown`: it may live on another machine or in another container. */
  readonly owner: 'dead' | 'unknown';
}

/** Jobs of this home whose process is dead, or cannot be looked at. */
export async function abandonedRuns({ home, owner }: Pick<Sweep, 'home' | 'owner'>): Promise<AbandonedRun[]> {
  const ids = await lockIds(home.run);
  const found: AbandonedRun[] = [];
  for (const id of ids) {
    const job = jobOfId(id);
    if (job === null) continue;
    const { kind } = await lockState(home.run, id, owner.home);
    if (kind === 'stale' || kind === 'unknown')
      found.push({
        files: jobFiles(home, job.kind, job.name),
        owner: kind === 'stale' ? 'dead' : 'unknown',
      });
  }
  return found;
}

/**
 * Ends, collects and closes one of them; false when another process is at it. An unknown owner is taken for dead. When this
 * throws, the lock stays: the next who looks finds the job again.
 */
export async function closeRun(sweep: Sweep, { files, owner }: AbandonedRun): Promise<boolean> {
  const lock = await acquireLock(sweep.home.run, files.id, {
    owner: sweep.owner,
    force: owner === 'unknown',
  });
  if (lock === null) return false;
  await rm(draftFiles(files).folder, { recursive: true, force: true });
  const state = await readJob(files);
  // It died between taking its place and saying so.
  if (state === undefined) await rm(files.folder, { recursive: true, force: true });
  else if (!hasEnded(state)) await closeJob(sweep, files, state);
  else if (state.unsaved.length === 0) await removeTree(files.work);
  await removeSocket(sweep.home.run, files.id);
  await lock.release();
  return true;
}

/** Names of jobs that another process of this machine runs, or closes at this moment. */
export async function heldJobs({ home, owner }: Pick<Sweep, 'home' | 'owner'>): Promise<Set<string>> {
  const held = new Set<string>();
  for (const id of await lockIds(home.run)) {
    const job = jobOfId(id);
    if (job !== null && (await lockState(home.run, id, owner.home)).kind === 'held') held.add(job.name);
  }
  return held;
}

/** Closes what can be closed: a job that cannot is no reason for another one not to run, and is told of. */
export async function closeDeadRuns(sweep: Sweep): Promise<void> {
  for (const run of await abandonedRuns(sweep)) {
    if (run.owner !== 'dead') continue;
    try {
      await closeRun(sweep, run);
    } catch (thrown) {
      const { message } = asOptmlError(thrown);
      const text = `What ${jobOfId(run.files.id)?.name ?? run.files.id} left could not be cleaned up (${message}): see "optml clean".`;
      sweep.observer.event({ kind: 'note', time: sweep.now(), text });
    }
  }
}

/** Keeps what an ended job had to leave in its host; false when it must stay there, or another process is at it. */
export async function saveLeft(sweep: Sweep, { created }: JobState): Promise<boolean> {
  const files = jobFiles(sweep.home, created.jobKind ?? 'training', created.name);
  const lock = await acquireLock(sweep.home.run, files.id, { owner: sweep.owner });
  if (lock === null) return false;
  const state = await readJob(files);
  const journal = await openJournal(files);
  try {
    if (state?.created.run !== created.run) return false;
    const { engine, observer, now } = sweep;
    const reporter = continueReport({ state, journal, observer, now });
    const plan = await readPlan(files);
    if (plan === null) return false;
    const left = {
      ...plan,
      uploads: plan.uploads.filter(one => state.unsaved.some(({ from }) => from === one.from)),
    };
    for (const handle of state.placed) await engine.stop(handle, 0);
    const keepFolder = join(sweep.home.kept, created.run);
    const run = { plan: left, engine, reporter, files, keepFolder };
    if (!(await keepOutputs(run, state.placed, 'it was left in its host'))) return false;
    reporter.say({ kind: 'outputs.safe' });
    await removeHosts(sweep, files, state);
    return true;
  } finally {
    journal.close();
    await lock.release();
  }
}

async function closeJob(sweep: Sweep, files: JobFiles, state: JobState): Promise<void> {
  const words = KIND_WORDS[kindOf(state)];
  const { engine, home } = sweep;
  const journal = await openJournal(files);
  const reporter = continueReport({ state, journal, observer: sweep.observer, now: sweep.now });
  try {
    reporter.say({
      kind: 'note',
      text: `The process that ran ${state.created.name} died; the job is closed as Failed.`,
    });
    for (const handle of state.placed) await engine.stop(handle, 0);
    const plan = await readPlan(files);
    if (state.placed.length > 0 && plan === null) await keepTrees(sweep, files, reporter);
    else if (state.placed.length > 0 && plan !== null) {
      const store = await sweep.openStore();
      const keepFolder = join(home.kept, state.created.run);
      const run = { plan, store, engine, control: new RunControl(), reporter, files, keepFolder };
      try {
        reporter.say({
          kind: 'job.status',
          status: 'Uploading',
          message: words.uploading,
        });
        if (store.name === state.created.store) {
          await abandonUploads(store, state, reporter);
          await collectOutputs(run, state.placed);
        } else
          await keepOutputs(run, state.placed, `the job ran on ${state.created.store}, not on ${store.name}`);
      } finally {
        await store.close();
      }
    }
    if (reporter.state.unsaved.length === 0) await removeHosts(sweep, files, state);
    reporter.say({ kind: 'job.failed', reason: PLATFORM_FAULT });
    reporter.say({ kind: 'job.status', status: 'Failed', message: words.failed });
  } finally {
    journal.close();
  }
}

/** Frees what the store holds of uploads that the dead process was at. A store that does not do it is no reason to stop. */
async function abandonUploads(store: Store, { begun }: JobState, reporter: Reporter): Promise<void> {
  for (const upload of begun)
    try {
      await store.abandon(upload, AbortSignal.timeout(ABANDON_MS));
    } catch (thrown) {
      const uri = `s3://${upload.bucket}/${upload.key}`;
      const { message } = asOptmlError(thrown);
      reporter.say({
        kind: 'note',
        text: `The upload ${upload.id} of ${uri}, which was not finished, could not be aborted (${message}): abort it with aws s3api abort-multipart-upload.`,
      });
    }
}

/** Null when a crash spoiled it. */
async function readPlan(files: JobFiles): Promise<Plan | null> {
  try {
    return (JSON.parse(await readFile(files.plan, 'utf8')) as { plan: Plan }).plan;
  } catch {
    return null;
  }
}

/** Nobody knows any more what was to be uploaded: everything is kept. */
async function keepTrees({ engine, home }: Sweep, files: JobFiles, reporter: Reporter): Promise<void> {
  const { created, placed } = reporter.state;
  await fetchTrees({ engine, files }, placed);
  const path = join(home.kept, created.run);
  await rename(files.work, path);
  reporter.say({ kind: 'output.kept', from: '/opt/ml', path, why: 'the plan of the job cannot be read' });
}

async function removeHosts({ engine }: Sweep, files: JobFiles, state: JobState): Promise<void> {
  for (const handle of state.placed) await engine.remove(handle);
  for (const leftover of await engine.leftovers(AbortSignal.timeout(10_000)))
    if (leftover.labels.run === state.created.run) await leftover.remove();
  await removeTree(files.work);
}
