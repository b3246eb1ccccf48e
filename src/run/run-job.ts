/**
 * A job, from accepted to closed: stage → start → watch → stop → collect. Whatever happens, it ends with a terminal status
 * and nothing left in the engine.
 */
import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StartFeeder } from '../channels/feed-protocol.js';
import { startMetricScanner, type MetricDefinition, type MetricScanner } from '../collect/metrics.js';
import type { Engine, HostHandle, HostLabels, RunningHost } from '../engine/port.js';
import { deferred } from '../deferred.js';
import { asOptmlError, type OptmlError } from '../errors.js';
import type { JobFiles } from '../journal/home.js';
import type { Plan } from '../plan/plan.js';
import {
  IMAGE_NOT_PULLED,
  PLATFORM_FAULT,
  reasonOfDownload,
  reasonOfExit,
  reasonOfStart,
} from '../report/failure-reason.js';
import { EXIT_MESSAGE_BYTES, EXIT_MESSAGE_NOT_UTF8, exitMessageOf } from '../report/exit-message.js';
import type { JobState } from '../report/job-state.js';
import { KIND_WORDS, type KindWords } from '../report/kind-words.js';
import type { Store, StoreAccess } from '../store/port.js';
import type { Survey } from '../survey/survey.js';
import { collectOutputs, fetchTrees, keepOutputs, openOutputs } from './collect-outputs.js';
import { startContinuousOutputs, type SentOutputs } from './continuous-outputs.js';
import type { RunControl } from './control.js';
import { HostEnds, type HostEnd } from './host-ends.js';
import { onAbort } from './on-abort.js';
import { prepareHosts, type PreparedHosts } from './prepare-hosts.js';
import { removeTree } from './remove-tree.js';
import type { Reporter } from './reporter.js';
import { UndoList } from './undo-list.js';

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
  readonly lazy: { readonly region: string; readonly path: string } | null;
  /** `--keep`: leave the `/opt/ml` tree of each host. */
  readonly keepRoom: boolean;
}

export type Outcome =
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'stopped' };

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
  for (const { what, thrown } of await undo.run())
    reporter.say({
      kind: 'note',
      text: `${what} could not be removed (${asOptmlError(thrown).message}). "optml clean" will try again.`,
    });
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
  const clock = startRuntimeClock(run);
  const stopping = onAbort(control.stopping, () => {
    reporter.say({ kind: 'job.status', status: 'Stopping', message: wordsOf(run).stopping });
  });
  let prepared: PreparedHosts;
  let outcome: Outcome;
  let sent: SentOutputs;
  try {
    reporter.say({ kind: 'job.status', status: 'Downloading', message: 'Downloading input data' });
    if (run.survey.fault !== null) throw run.survey.fault;
    prepared = await prepareHosts(run, undo);
    control.stopping.throwIfAborted();
    const continuous = startContinuousOutputs(run, prepared.placed);
    try {
      outcome = await watch(run, prepared);
    } finally {
      sent = await continuous.stop();
    }
  } finally {
    // From here on the outcome stands: neither the limit nor a stop can change it.
    clock.stop();
    await stopping.settled();
  }
  const { placed } = prepared;
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

/** Starts the hosts and waits until they have ended, by themselves or because they were told to. */
async function watch(run: JobRun, { placed, feedings }: PreparedHosts): Promise<Outcome> {
  const { control, reporter } = run;
  const metrics = run.metricDefinitions.length === 0 ? null : startMetricScanner(run.metricDefinitions);
  reporter.say({
    kind: 'job.status',
    status: wordsOf(run).running,
    message: wordsOf(run).runs,
  });
  const ends = new HostEnds(control);
  const exits: EndedHost[] = [];
  const endings = (await startHosts(run, placed, metrics)).map(async ({ host, ended }) => {
    const end = await ends.of(host, ended);
    if (!('code' in end)) return;
    reporter.say({ kind: 'host.exited', ...end });
    exits.push(end);
  });
  const stopping = onAbort(control.stopping, () => stopHosts(run, placed));
  const failing = onAbort(ends.failing, () =>
    stopHosts(
      run,
      placed.filter(({ host }) => host !== ends.failed?.host),
    ),
  );
  // An engine that does not even answer to a kill is lost, though its streams may stay open for ever.
  const deaf = deferred<never>();
  const killing = onAbort(control.killing, () => killHosts(run, placed).catch(deaf.reject));
  let starved: OptmlError | undefined;
  for (const { failed } of feedings)
    failed.catch(async (thrown: unknown) => {
      starved ??= asOptmlError(thrown);
      // Half of the data must never look like all of it: the FIFO stays open until nobody is left to read it.
      await killHosts(run, placed).catch(deaf.reject);
    });
  try {
    await Promise.race([Promise.all(endings), deaf.promise]);
    if (metrics !== null) await sayMetrics(reporter, metrics);
    await Promise.all(feedings.map(feeding => feeding.stop()));
    if (starved !== undefined && control.cause === null) return failure(run, starved);
    return await outcomeOf(run, exits, ends.failed);
  } catch (thrown) {
    // The engine is lost. A container may still be writing, so nothing is read: it is kept as it is.
    await keepOutputs(run, placed, ENGINE_LOST);
    throw thrown;
  } finally {
    const settled = [killing.settled(), stopping.settled(), failing.settled()];
    // Who kills does not wait for the grace.
    await Promise.allSettled(control.killing.aborted ? settled.slice(0, 1) : settled);
  }
}

/** All at once, as their programs look for each other. When one does not start, the others are ended as by a stop. */
async function startHosts(
  run: JobRun,
  placed: readonly HostHandle[],
  metrics: MetricScanner | null,
): Promise<{ readonly host: string; readonly ended: RunningHost['ended'] }[]> {
  const starts = await Promise.allSettled(
    placed.map(async handle => {
      const output = run.reporter.output(handle.host, metrics?.push);
      try {
        const { ended } = await run.engine.start(handle, output.push);
        return { handle, host: handle.host, ended: ended.finally(output.end) };
      } catch (thrown) {
        output.end();
        throw thrown;
      }
    }),
  );
  const started = starts.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = starts.find(one => one.status === 'rejected');
  if (refused === undefined) return started;
  // It may have started all the same.
  if (asOptmlError(refused.reason).code === 'ENGINE_UNREACHABLE') await keepOutputs(run, placed, ENGINE_LOST);
  else await stopStarted(run, started);
  throw refused.reason;
}

async function stopStarted(
  run: JobRun,
  started: readonly { readonly handle: HostHandle; readonly ended: RunningHost['ended'] }[],
): Promise<void> {
  const handles = started.map(one => one.handle);
  const killing = onAbort(run.control.killing, () => killHosts(run, handles));
  await stopHosts(run, handles);
  await Promise.allSettled([...started.map(one => one.ended), killing.settled()]);
}

async function stopHosts({ engine, plan }: JobRun, hosts: readonly HostHandle[]): Promise<void> {
  await Promise.all(hosts.map(handle => engine.stop(handle, plan.limits.stopGraceSeconds)));
}

async function killHosts({ engine }: JobRun, hosts: readonly HostHandle[]): Promise<void> {
  await Promise.all(hosts.map(handle => engine.kill(handle)));
}

type EndedHost = Extract<HostEnd, { readonly code: number }>;

const ENGINE_LOST = 'the engine was lost while the job ran';

async function sayMetrics(reporter: Reporter, metrics: MetricScanner): Promise<void> {
  const { values, incomplete } = await metrics.finish();
  reporter.say({ kind: 'metrics.final', values });
  if (incomplete !== null)
    reporter.say({ kind: 'note', text: `FinalMetricDataList may lack values: ${incomplete}.` });
}

/** Of hosts that have all ended. `failed` is the first that did so by itself and not well. */
async function outcomeOf(run: JobRun, exits: readonly EndedHost[], failed: HostEnd | null): Promise<Outcome> {
  const unreadable = await sayExitMessage(run, exits);
  if (failed === null)
    return run.control.cause === null ? (unreadable ?? { kind: 'completed' }) : { kind: 'stopped' };
  if ('lost' in failed) return failure(run, failed.lost);
  const { failure: file } = run.plan.messages;
  const start = file === null ? null : await openOutputs(run, failed.host)?.start(file, FAILURE_BYTES);
  const reason = reasonOfExit(failed, start?.toString('utf8') ?? null);
  return reason === null ? { kind: 'completed' } : { kind: 'failed', reason };
}

/** The last word of the containers, whatever their exit status; a text that is none fails the job (contract §2.8). */
async function sayExitMessage(run: JobRun, exits: readonly EndedHost[]): Promise<Outcome | null> {
  const { exit: file } = run.plan.messages;
  if (file === null) return null;
  const starts: Buffer[] = [];
  for (const { host } of exits) {
    const start = await openOutputs(run, host)?.start(file, EXIT_MESSAGE_BYTES);
    if (start !== undefined && start !== null) starts.push(start);
  }
  if (starts.length === 0) return null;
  const text = exitMessageOf(starts);
  if (text === null) return { kind: 'failed', reason: EXIT_MESSAGE_NOT_UTF8 };
  run.reporter.say({ kind: 'job.exit-message', text });
  return null;
}

function wordsOf({ plan }: JobRun): KindWords {
  return KIND_WORDS[plan.job.kind];
}

/** 1,024 characters of at most four bytes. */
const FAILURE_BYTES = 4096;

/** What went wrong in our own hands, in the platform's words; the user gets our words as a note. */
function failure({ reporter }: JobRun, error: OptmlError): Outcome {
  reporter.say({ kind: 'note', text: error.message });
  switch (error.code) {
    case 'IMAGE_UNAVAILABLE':
      return { kind: 'failed', reason: IMAGE_NOT_PULLED };
    case 'CONTAINER_UNSTARTABLE':
      return { kind: 'failed', reason: reasonOfStart(error.message) };
    case 'OBJECT_CHANGED':
    case 'OBJECT_UNPLACEABLE':
    case 'OBJECT_UNREADABLE':
    case 'MANIFEST_INVALID':
    case 'STORE_UNREACHABLE':
    case 'STORE_DENIED':
    case 'BUCKET_MISSING':
    case 'DISK_FULL':
      return { kind: 'failed', reason: reasonOfDownload(error.message) };
    default:
      return { kind: 'failed', reason: PLATFORM_FAULT };
  }
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
      reporter.say(
        control.cause === 'max-runtime'
          ? {
              kind: 'job.status',
              status: 'MaxRuntimeExceeded',
              message: words.exceeded,
            }
          : { kind: 'job.status', status: 'Stopped', message: words.stopped },
      );
  }
  return reporter.state;
}

/** Counts from the start of the download, as TrainingStartTime does (UNCONFIRMED, contract §1.11). */
function startRuntimeClock({ plan, control }: JobRun): { stop(): void } {
  // A timer holds 24 days; the limit may be 28, all of which nobody waits for here.
  const milliseconds = Math.min(plan.limits.maxRuntimeSeconds * 1000, 2 ** 31 - 1);
  const timer = setTimeout(() => control.stop('max-runtime'), milliseconds);
  return { stop: () => clearTimeout(timer) };
}
