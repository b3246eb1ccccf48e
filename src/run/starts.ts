/** The starts of a job's hosts: the first, and those after interruptions and faults of the platform, with the checkpoints. */
import { join } from 'node:path';
import { startMetricScanner, type MetricScanner } from '../collect/metrics.js';
import type { HostHandle } from '../engine/port.js';
import { asOptmlError } from '../errors.js';
import { CHECKPOINTS } from '../job/channel-rules.js';
import { PLATFORM_FAULT, reasonOfUpload } from '../report/failure-reason.js';
import { KIND_WORDS, RESTART_WORDS } from '../report/kind-words.js';
import { listCheckpoints } from '../survey/list-checkpoints.js';
import type { Clocks } from './clocks.js';
import { flushContinuous } from './collect-outputs.js';
import { startContinuousOutputs, type SentOutputs } from './continuous-outputs.js';
import { reasonOf, type HostsOutcome, type Outcome } from './outcome.js';
import { prepareHosts, roomOf } from './prepare-hosts.js';
import { removeTree } from './remove-tree.js';
import type { Reporter } from './reporter.js';
import type { JobRun } from './run-job.js';
import { tellOfStuck, type UndoList } from './undo-list.js';
import { watchHosts } from './watch-hosts.js';

/** They are there to be collected from. */
export interface EndedHosts<Kind = Outcome> {
  readonly placed: readonly HostHandle[];
  readonly outcome: Kind;
  readonly sent: SentOutputs;
}

/** Starts the hosts until they end for good. Throws what makes it impossible. */
export async function untilEnded(run: JobRun, undo: UndoList, clocks: Clocks): Promise<EndedHosts> {
  const metrics = run.metricDefinitions.length === 0 ? null : startMetricScanner(run.metricDefinitions);
  const interruptions = [...run.interruptAfter];
  let retries = run.plan.restarts.retryAttempts;
  let current = run;
  for (let starts = 1; ; starts += 1) {
    const before = undo.size;
    const afterSeconds = interruptions[0] ?? null;
    const ended = await start(current, undo, { clocks, metrics, afterSeconds }).catch((thrown: unknown) => {
      const mayRetry = retries > 0 && run.control.cause === null && run.reporter.state.unsaved.length === 0;
      if (!mayRetry || reasonOf(asOptmlError(thrown)) !== PLATFORM_FAULT) throw thrown;
      run.reporter.say({ kind: 'note', text: asOptmlError(thrown).message });
      return null;
    });
    if (ended?.outcome.kind === 'interrupted') interruptions.shift();
    else if (ended === null || (isFault(ended.outcome) && retries > 0)) retries -= 1;
    else return end(run, { metrics, interruptions }, { ...ended, outcome: ended.outcome });
    clocks.haveNone();
    const unable = ended === null ? null : await whyNotAnew(current, ended);
    if (unable !== null) return end(run, { metrics, interruptions }, unable);
    await leave(run, undo, before);
    current = await anew(run, starts);
  }
}

async function start(
  run: JobRun,
  undo: UndoList,
  at: {
    readonly clocks: Clocks;
    readonly metrics: MetricScanner | null;
    readonly afterSeconds: number | null;
  },
): Promise<EndedHosts<HostsOutcome>> {
  const { control, reporter, survey } = run;
  reporter.say({ kind: 'job.status', status: 'Downloading', message: 'Downloading input data' });
  at.clocks.haveInstances();
  if (survey.fault !== null) throw survey.fault;
  const prepared = await prepareHosts(run, undo);
  control.stopping.throwIfAborted();
  const continuous = await startContinuousOutputs(run, prepared.placed);
  let outcome: HostsOutcome | undefined;
  let sent: SentOutputs;
  try {
    outcome = await watchHosts(run, prepared, { ...at, onInterrupted: at.clocks.haveNone });
  } finally {
    sent = await continuous.stop();
  }
  return { placed: prepared.placed, outcome, sent };
}

/** Sends what the next start goes on from. When that cannot be, or a stop has come, the job ends with these hosts. */
async function whyNotAnew(run: JobRun, ended: EndedHosts<HostsOutcome>): Promise<EndedHosts | null> {
  const { placed, sent, outcome } = ended;
  try {
    await flushContinuous(run, placed, sent);
  } catch (thrown) {
    if (run.control.cause === null)
      return {
        ...ended,
        outcome:
          outcome.kind === 'interrupted'
            ? { kind: 'failed', reason: reasonOfUpload(asOptmlError(thrown).message) }
            : outcome,
      };
  }
  return run.control.cause === null ? null : { ...ended, outcome: { kind: 'stopped' } };
}

/** Nothing of these hosts stays but the checkpoints: the next ones are others. Throws the first that cannot be removed. */
async function leave(run: JobRun, undo: UndoList, before: number): Promise<void> {
  const stuck = await undo.run(before);
  for (const one of stuck) tellOfStuck(run.reporter, one);
  if (stuck[0] !== undefined) throw stuck[0].thrown;
  // Said before the rooms go: a process that takes over must not take half a room for what the hosts have left.
  run.reporter.say({ kind: 'hosts.removed' });
  for (const { name } of run.plan.hosts) {
    await removeTree(roomOf(run, name));
    await removeTree(join(run.files.work, `${name}-mounts`));
  }
  run.control.stopping.throwIfAborted();
  run.reporter.say({ kind: 'job.status', status: 'Starting', message: RESTART_WORDS.starting });
}

/** The channels are what they were; the checkpoints are listed again. */
async function anew(run: JobRun, starts: number): Promise<JobRun> {
  const restored = run.plan.hosts[0]?.channels.find(one => one.name === CHECKPOINTS);
  if (restored === undefined) return run;
  const file = join(run.files.work, `checkpoints-${starts}.listing`);
  const { location } = restored;
  const listing = await listCheckpoints({ location, store: run.store, file }, run.control.stopping);
  const channels = run.survey.listings.filter(one => one.channel !== CHECKPOINTS);
  return { ...run, survey: { ...run.survey, listings: [...channels, listing] } };
}

async function end(
  run: JobRun,
  { metrics, interruptions }: { metrics: MetricScanner | null; interruptions: readonly number[] },
  ended: EndedHosts,
): Promise<EndedHosts> {
  if (metrics !== null) await sayMetrics(run.reporter, metrics);
  const [seconds] = interruptions;
  if (seconds !== undefined && ended.outcome.kind === 'completed')
    run.reporter.say({
      kind: 'note',
      text: `The ${KIND_WORDS[run.plan.job.kind].job} ended before the interruption of --interrupt-after, ${seconds} s after its start, could come.`,
    });
  return ended;
}

function isFault(outcome: HostsOutcome): boolean {
  return outcome.kind === 'failed' && outcome.reason === PLATFORM_FAULT;
}

async function sayMetrics(reporter: Reporter, metrics: MetricScanner): Promise<void> {
  const { values, incomplete } = await metrics.finish();
  reporter.say({ kind: 'metrics.final', values });
  if (incomplete !== null)
    reporter.say({ kind: 'note', text: `FinalMetricDataList may lack values: ${incomplete}.` });
}
