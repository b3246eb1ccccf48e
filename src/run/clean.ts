/** `optml clean`: dead runs are closed, and what else bears our labels is removed when its owner is dead. */
import { existsSync } from 'node:fs';
import type { Leftover } from '../engine/port.js';
import { asOptmlError } from '../errors.js';
import { jobFiles, jobOfId } from '../journal/home.js';
import { readJobs } from '../journal/journal.js';
import { lifeOf, parseOwner } from '../journal/owner.js';
import { hasEnded, kindOf } from '../report/job-state.js';
import { abandonedPlans } from './plan-folder.js';
import { removeTree } from './remove-tree.js';
import { abandonedRuns, closeRun, heldJobs, saveLeft, type AbandonedRun, type Sweep } from './sweep.js';

export interface CleanReport {
  readonly what: 'job' | 'outputs' | 'folder' | 'container' | 'network' | 'volume' | 'file';
  readonly name: string;
  /** Empty for what belongs to none: files of the store, folders of plans. */
  readonly job: string;
  /** `removed`, `closed`, `would be …`, or why it stays. */
  readonly done: string;
  /** Only force removes it. */
  readonly stays: boolean;
}

const ANSWER_MS = 10_000;

export async function cleanHome(
  sweep: Sweep,
  { dryRun, force }: { dryRun: boolean; force: boolean },
): Promise<CleanReport[]> {
  const report: CleanReport[] = [];
  for (const run of await abandonedRuns(sweep)) {
    const job = jobOfId(run.files.id)?.name ?? run.files.id;
    const stays = run.owner === 'unknown' && !force;
    const done = stays ? staysAs(OWNER_UNKNOWN) : dryRun ? 'would be closed' : await closed(sweep, run);
    report.push({ what: 'job', name: job, job, done, stays });
  }
  for (const { folder, owner, remove } of await abandonedPlans(sweep)) {
    const stays = owner === 'unknown' && !force;
    const removes = async (): Promise<string> =>
      (await remove()) ? 'removed' : 'is being removed by another process';
    const done = stays ? staysAs(OWNER_UNKNOWN) : dryRun ? 'would be removed' : await removes();
    report.push({ what: 'folder', name: folder, job: '', done, stays });
  }
  const unsaved: string[] = [];
  for (const state of (await readJobs(sweep.home)).filter(hasEnded)) {
    const { name, run } = state.created;
    const { work } = jobFiles(sweep.home, kindOf(state), name);
    if (state.unsaved.length > 0) {
      const saved = dryRun || (await saveLeft(sweep, state));
      if (dryRun || !saved) unsaved.push(run);
      const done = dryRun ? 'would be kept' : saved ? 'kept' : 'stay where they are, as they cannot be kept';
      report.push({ what: 'outputs', name, job: name, done, stays: !saved });
    } else if (existsSync(work)) {
      // A job ends when its folder is gone, unless that failed.
      if (!dryRun) await removeTree(work);
      report.push({
        what: 'folder',
        name: work,
        job: name,
        done: dryRun ? 'would be removed' : 'removed',
        stays: false,
      });
    }
  }
  const held = await heldJobs(sweep);
  for (const leftover of await inOrder(sweep)) {
    const { job, run } = leftover.labels;
    const life = lifeOf(parseOwner(leftover.labels.owner), sweep.owner.home);
    // Its owner may be dead, and what it left be in the hands of a process that closes the job.
    if (life === 'alive' || held.has(job.split('/')[0] ?? '')) continue;
    const spared = unsaved.includes(run)
      ? 'it holds outputs that are nowhere else'
      : life === 'unknown'
        ? OWNER_UNKNOWN
        : null;
    const stays = spared !== null && !force;
    const done = stays ? staysAs(spared) : dryRun ? 'would be removed' : await removed(leftover);
    report.push({ what: leftover.kind, name: leftover.id.slice(0, 64), job, done, stays });
  }
  return report;
}

const OWNER_UNKNOWN = 'its owner is not known here';

function staysAs(why: string): string {
  return `stays, as ${why} (--force removes it)`;
}

async function closed(sweep: Sweep, run: AbandonedRun): Promise<string> {
  return (await closeRun(sweep, run)) ? 'closed' : 'is being closed by another process';
}

/** Containers first: volumes and networks hang on them. */
async function inOrder({ engine }: Sweep): Promise<Leftover[]> {
  const order = { container: 0, network: 1, volume: 2 };
  const all = await engine.leftovers(AbortSignal.timeout(ANSWER_MS));
  return all.sort((a, b) => order[a.kind] - order[b.kind]);
}

async function removed(leftover: Leftover): Promise<string> {
  try {
    await leftover.remove();
    return 'removed';
  } catch (thrown) {
    return `could not be removed: ${asOptmlError(thrown).message}`;
  }
}
