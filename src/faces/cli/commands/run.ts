/** `optml run FILE…`: one job after another; all run, and the exit status is the highest. */
import type { Emulator, RunOptions } from '../../../emulator.js';
import { asOptmlError, type OptmlError } from '../../../errors.js';
import type { KindedRequest } from '../../../job/job.js';
import { describeJob } from '../../../report/describe-job.js';
import type { JobState } from '../../../report/job-state.js';
import { RunControl } from '../../../run/control.js';
import type { SettingFlags } from '../../../settings.js';
import { terminalObserver } from '../../terminal/terminal-observer.js';
import { openEmulator, type OutputFlags, type ProcessFacts } from '../context.js';
import { readRequestFile } from '../request-file.js';
import { secondsOf } from '../request-flags.js';
import { listenToSignals } from '../signals.js';

export type RunFlags = SettingFlags & OutputFlags & { readonly interruptAfter?: string };

export async function run(facts: ProcessFacts, files: readonly string[], flags: RunFlags): Promise<void> {
  await runRequests(
    facts,
    files.map(file => () => readRequestFile(file)),
    flags,
  );
}

/** A request that was built from flags: it is run, or printed with `--print-request`. `maps` lead to what lies on this machine. */
export async function runFromFlags(
  facts: ProcessFacts,
  flags: RunFlags & { readonly printRequest?: boolean },
  { maps, ...built }: KindedRequest & { readonly maps: readonly string[] },
): Promise<void> {
  if (flags.printRequest === true) {
    process.stdout.write(`${JSON.stringify(built.request, null, 2)}\n`);
    for (const map of maps) process.stderr.write(`Run it with --map ${map}\n`);
    return;
  }
  const settings = maps.length === 0 ? flags : { ...flags, map: [...(flags.map ?? []), ...maps] };
  await runRequests(facts, [() => Promise.resolve(built)], settings);
}

/** Each request is read when its turn comes. */
export async function runRequests(
  facts: ProcessFacts,
  requests: readonly (() => Promise<KindedRequest>)[],
  flags: RunFlags,
): Promise<void> {
  const interruptAfter = secondsOf(flags.interruptAfter, '--interrupt-after');
  const emulator = await openEmulator(facts, flags);
  const screen = terminalObserver({
    stream: process.stderr,
    quiet: flags.quiet ?? false,
    colors: wantsColors(facts, process.stderr.isTTY),
  });
  const presses = listenToSignals(count => screen.say(count === 1 ? STOPPING : KILLING));
  try {
    for (const read of requests) {
      if (presses.count > 0) break;
      const control = new RunControl();
      presses.watch(control);
      const result = await runOne({ emulator, read, options: { control, observer: screen, interruptAfter } });
      screen.finish();
      if ('error' in result) {
        const interrupted = control.stopping.aborted;
        screen.error(interrupted ? 'Interrupted before the job had started.' : result.error.message);
        facts.setExitStatus(interrupted ? INTERRUPTED : result.error.exitStatus);
        continue;
      }
      if (flags.quiet === true) sayFailure(result.state, screen.error);
      if (flags.json === true) process.stdout.write(`${JSON.stringify(describeJob(result.state))}\n`);
      facts.setExitStatus(control.killing.aborted ? INTERRUPTED : STATUS[result.state.status]);
    }
  } finally {
    presses.release();
    screen.finish();
  }
}

type Result = { readonly state: JobState } | { readonly error: OptmlError };

async function runOne({
  emulator,
  read,
  options,
}: {
  emulator: Emulator;
  read: () => Promise<KindedRequest>;
  options: RunOptions;
}): Promise<Result> {
  try {
    const request = await read();
    return { state: await emulator.runJob(request, options) };
  } catch (thrown) {
    return { error: asOptmlError(thrown) };
  }
}

/** The card is not shown, but that a job has failed is an error. */
function sayFailure({ created, status, failureReason = '' }: JobState, say: (text: string) => void): void {
  if (status === 'Failed') say(`${created.name} is Failed: ${failureReason}`);
}

const INTERRUPTED = 130;

const STATUS: Record<JobState['status'], number> = {
  Completed: 0,
  Failed: 1,
  Stopped: 4,
  // A job that has ended is neither.
  InProgress: 1,
  Stopping: 1,
};

const STOPPING =
  'Stopping: a running container has 120 s to end by itself, then outputs are uploaded. Press again to kill.';
const KILLING = 'Killing: outputs are kept, not uploaded.';

function wantsColors({ environment }: ProcessFacts, isTerminal: boolean): boolean {
  const { NO_COLOR, TERM } = environment;
  return isTerminal && (NO_COLOR ?? '') === '' && TERM !== 'dumb';
}
