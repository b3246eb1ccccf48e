/** The hosts of a job from their start to their end: by themselves, by a stop, or with the first of them that fails. */
import type { MetricScanner } from '../collect/metrics.js';
import { deferred } from '../deferred.js';
import type { HostHandle, RunningHost } from '../engine/port.js';
import { asOptmlError, type OptmlError } from '../errors.js';
import { KIND_WORDS } from '../report/kind-words.js';
import { keepOutputs } from './keep-outputs.js';
import { HostEnds } from './host-ends.js';
import { onAbort } from './on-abort.js';
import { interruptionOf } from './interruption.js';
import { failure, outcomeOf, type EndedHost, type HostsOutcome } from './outcome.js';
import type { PreparedHosts } from './prepare-hosts.js';
import type { JobRun } from './run-job.js';

/** Starts the hosts and waits until they have ended, by themselves or because they were told to. */
export async function watchHosts(
  run: JobRun,
  { placed, feedings }: PreparedHosts,
  at: {
    readonly metrics: MetricScanner | null;
    /** Until they are interrupted as spot instances are; null: they are not. */
    readonly afterSeconds: number | null;
    readonly onInterrupted: () => void;
  },
): Promise<HostsOutcome> {
  const { control, reporter } = run;
  const words = KIND_WORDS[run.plan.job.kind];
  reporter.say({
    kind: 'job.status',
    status: words.running,
    message: words.runs,
  });
  let starved: OptmlError | undefined;
  const interruption = interruptionOf(run, {
    placed,
    afterSeconds: at.afterSeconds,
    mayCome: () => control.cause === null && ends.failed === null && starved === undefined,
    onCome: at.onInterrupted,
  });
  const ends = new HostEnds(() => control.cause !== null || interruption.hasCome);
  const exits: EndedHost[] = [];
  const endings = (await startHosts(run, placed, at.metrics)).map(async ({ host, ended }) => {
    const end = await ends.of(host, ended);
    if (!('code' in end)) return;
    reporter.say({ kind: 'host.exited', ...end });
    exits.push(end);
  });
  interruption.begin();
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
  for (const { failed } of feedings)
    failed.catch(async (thrown: unknown) => {
      starved ??= asOptmlError(thrown);
      // Half of the data must never look like all of it: the FIFO stays open until nobody is left to read it.
      await killHosts(run, placed).catch(deaf.reject);
    });
  try {
    await Promise.race([Promise.all(endings), deaf.promise]);
    await interruption.settle();
    await Promise.all(feedings.map(feeding => feeding.stop()));
    if (control.cause === null && interruption.hasCome) return { kind: 'interrupted' };
    if (starved !== undefined && control.cause === null) return failure(run, starved);
    return await outcomeOf(run, exits, ends.failed);
  } catch (thrown) {
    // The engine is lost. A container may still be writing, so nothing is read: it is kept as it is.
    await keepOutputs(run, placed, ENGINE_LOST);
    throw thrown;
  } finally {
    const settled = [killing.settled(), stopping.settled(), failing.settled(), interruption.settle()];
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

const ENGINE_LOST = 'the engine was lost while the job ran';
