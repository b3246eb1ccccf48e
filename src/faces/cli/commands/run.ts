/** `optml run FILE…`: one job after another; all run, and the exit status is the highest. */
import type { Emulator } from '../../../emulator.js';
import { asOptmlError, type OptmlError } from '../../../errors.js';
import type { TrainingRequest } from '../../../job/training-job.js';
import type { DescribeTrainingJobResponse } from '../../../report/describe.js';
import { RunControl } from '../../../run/control.js';
import type { Observer } from '../../../run/reporter.js';
import type { SettingFlags } from '../../../settings.js';
import { terminalObserver } from '../../terminal/terminal-observer.js';
import { openEmulator, type OutputFlags, type ProcessFacts } from '../context.js';
import { readRequestFile } from '../request-file.js';
import { listenToSignals } from '../signals.js';

export type RunFlags = SettingFlags & OutputFlags;

export async function run(facts: ProcessFacts, files: readonly string[], flags: RunFlags): Promise<void> {
  await runRequests(
    facts,
    files.map(file => () => readRequestFile(file)),
    flags,
  );
}

/** Each request is read when its turn comes. */
export async function runRequests(
  facts: ProcessFacts,
  requests: readonly (() => Promise<TrainingRequest>)[],
  flags: RunFlags,
): Promise<void> {
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
      const result = await runOne({ emulator, read, control, observer: screen });
      screen.finish();
      if ('error' in result) {
        const interrupted = control.stopping.aborted;
        screen.error(interrupted ? 'Interrupted before the job had started.' : result.error.message);
        facts.setExitStatus(interrupted ? INTERRUPTED : result.error.exitStatus);
        continue;
      }
      if (flags.quiet === true) sayFailure(result.response, screen.error);
      if (flags.json === true) process.stdout.write(`${JSON.stringify(result.response)}\n`);
      facts.setExitStatus(control.killing.aborted ? INTERRUPTED : STATUS[result.response.TrainingJobStatus]);
    }
  } finally {
    presses.release();
    screen.finish();
  }
}

type Result = { readonly response: DescribeTrainingJobResponse } | { readonly error: OptmlError };

async function runOne({
  emulator,
  read,
  control,
  observer,
}: {
  emulator: Emulator;
  read: () => Promise<TrainingRequest>;
  control: RunControl;
  observer: Observer;
}): Promise<Result> {
  try {
    const request = await read();
    return { response: await emulator.runTrainingJob(request, { control, observer }) };
  } catch (thrown) {
    return { error: asOptmlError(thrown) };
  }
}

/** The card is not shown, but that a job has failed is an error. */
function sayFailure(
  { TrainingJobName, TrainingJobStatus, FailureReason = '' }: DescribeTrainingJobResponse,
  say: (text: string) => void,
): void {
  if (TrainingJobStatus === 'Failed') say(`${TrainingJobName} is Failed: ${FailureReason}`);
}

const INTERRUPTED = 130;

const STATUS: Record<DescribeTrainingJobResponse['TrainingJobStatus'], number> = {
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
