/**
 * A job, from accepted to closed: stage → start → watch → stop → collect. Whatever happens, it ends with a terminal status
 * and nothing left in the engine.
 */
import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StartFeeder } from '../channels/feed-protocol.js';
import type { LazyFastFile } from '../channels/lazy-fastfile.js';
import type { MetricDefinition } from '../collect/metrics.js';
import type { Engine, HostHandle, HostLabels } from '../engine/port.js';
import { asOptmlError } from '../errors.js';
import type { JobFiles } from '../journal/home.js';
import type { Plan } from '../plan/plan.js';
import type { SecondaryStatus } from '../report/events.js';
import type { JobState } from '../report/job-state.js';
import { KIND_WORDS, RESTART_WORDS, type KindWords } from '../report/kind-words.js';
import type { Store, StoreAccess } from '../store/port.js';
import type { Survey } from '../survey/survey.js';
import { startClocks } from './clocks.js';
import { collectOutputs } from './collect-outputs.js';
import type { SentOutputs } from './continuous-outputs.js';
import type { RunControl, StopCause } from './control.js';
import { fetchTrees } from './keep-outputs.js';
import { onAbort } from './on-abort.js';
import { failure, type Outcome } from './outcome.js';
import { removeTree } from './remove-tree.js';
import type { Reporter } from './reporter.js';
import { untilEnded, type EndedHosts } from './starts.js';
import { tellOfStuck, UndoList } from './undo-list.js';

export interface JobRun {
  readonly plan: Plan;
  readonly survey: Survey;
  readonly metricDefinitions: readonly MetricDefinition[];
  readonly store: Store;
  readonly engine: Engine;
  readonly control: RunControl;
  readonly reporter: Reporter;
  readonly files: JobFiles;
  /** Where outputs go that cannot be uploaded. */
  readonly keepFolder: string;
  readonly labels: Omit<HostLabels, 'host'>;
  /** Gives containers a way to the store, at an address that they reach; null where they get none. */
  readonly openAccess: ((address: string) => Promise<StoreAccess>) | null;
  /** For channels in Pipe mode. */
  readonly startFeeder: StartFeeder;
  /** FastFile channels are mounted, not downloaded. */
  readonly lazy: LazyFastFile | null;
  /** `--interrupt-after`: seconds from each start of the hosts to their interruption. */
  readonly interruptAfter: readonly number[];
  /** `--keep`: leave the `/opt/ml` tree of each host. */
  readonly keepRoom: boolean;
}

/** Never throws for what happens to the job: that is in the state that it gives. */
export async function runJob(run: JobRun): Promise<JobState> {
  const { control, reporter } = run;
  const undo = new UndoList();
  undo.add('The working folder', () => leaveRoom(run));
  let outcome: Outcome;
  try {
    outcome = await through(run, undo);
  } catch (thrown) {
    outcome = control.cause === null ? failure(run, asOptmlError(thrown)) : { kind: 'stopped' };
  }
  if (reporter.state.unsaved.length > 0) undo.forget();
  for (const stuck of await undo.run()) tellOfStuck(reporter, stuck);
  return end(run, outcome);
}

/** Removes the rooms, or puts them where the user looks for them. */
async function leaveRoom({ files, keepRoom, keepFolder, reporter }: JobRun): Promise<void> {
  if (keepRoom) {
    await mkdir(dirname(keepFolder), { recursive: true });
    await rename(files.work, `${keepFolder}-tree`);
    reporter.say({ kind: 'note', text: `The /opt/ml tree is left in ${keepFolder}-tree.` });
  } else await removeTree(files.work);
}

/** The way of a job that goes well, and the places where it can leave it. */
async function through(run: JobRun, undo: UndoList): Promise<Outcome> {
  const { control, reporter } = run;
  const clocks = startClocks(run);
  const stopping = onAbort(control.stopping, () => {
    reporter.say({ kind: 'job.status', status: 'Stopping', message: wordsOf(run).stopping });
  });
  let ended: EndedHosts;
  try {
    ended = await untilEnded(run, undo, clocks);
  } finally {
    // From here on the outcome stands: neither the limit nor a stop can change it.
    clocks.stop();
    await stopping.settled();
  }
  const { placed, outcome, sent } = ended;
  reporter.say({ kind: 'job.status', status: 'Uploading', message: wordsOf(run).uploading });
  const collected = await collect(run, placed, sent);
  if (run.keepRoom) await fetchTrees(run, placed).catch(sayTreeLost(run));
  // First cause wins: an upload that fails after a stop or a failure changes nothing.
  return outcome.kind === 'completed' ? collected : outcome;
}

/** What the collecting makes of a job that went well. Throws nothing: what is settled already must stand. */
async function collect(run: JobRun, placed: readonly HostHandle[], sent: SentOutputs): Promise<Outcome> {
  try {
    const reason = await collectOutputs(run, placed, sent);
    return reason === null ? { kind: 'completed' } : { kind: 'failed', reason };
  } catch (thrown) {
    return failure(run, asOptmlError(thrown));
  }
}

/** The tree is for looking into: without it a job is what it was. */
function sayTreeLost({ reporter }: JobRun): (thrown: unknown) => void {
  return thrown =>
    reporter.say({
      kind: 'note',
      text: `The /opt/ml tree could not be kept (${asOptmlError(thrown).message}).`,
    });
}

function end(run: JobRun, outcome: Outcome): JobState {
  const { reporter, control } = run;
  const words = wordsOf(run);
  if (reporter.lostLines > 0)
    reporter.say({
      kind: 'note',
      text: `The disk was full: ${reporter.lostLines} lines of the log were not written.`,
    });
  switch (outcome.kind) {
    case 'completed':
      reporter.say({ kind: 'job.status', status: 'Completed', message: words.completed });
      break;
    case 'failed':
      reporter.say({ kind: 'job.failed', reason: outcome.reason });
      reporter.say({ kind: 'job.status', status: 'Failed', message: words.failed });
      break;
    case 'stopped':
      reporter.say({ kind: 'job.status', ...stoppedBy(control.cause, words) });
  }
  return reporter.state;
}

function wordsOf({ plan }: JobRun): KindWords {
  return KIND_WORDS[plan.job.kind];
}

function stoppedBy(
  cause: StopCause | null,
  words: KindWords,
): { readonly status: SecondaryStatus; readonly message: string } {
  switch (cause) {
    case 'max-runtime':
      return { status: 'MaxRuntimeExceeded', message: words.exceeded };
    case 'max-wait':
      return { status: 'MaxWaitTimeExceeded', message: RESTART_WORDS.waited };
    default:
      return { status: 'Stopped', message: words.stopped };
  }
}
