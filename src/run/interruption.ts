/** `--interrupt-after`: the end of spot instances, rehearsed. */
import type { HostHandle } from '../engine/port.js';
import { OptmlError } from '../errors.js';
import type { Job } from '../job/job.js';
import { RESTART_WORDS } from '../report/kind-words.js';
import { onAbort } from './on-abort.js';
import type { JobRun } from './run-job.js';

/** EC2 gives a notice of two minutes; what of it SageMaker leaves to the container is not known (UNCONFIRMED, contract §1.11). */
const GRACE_SECONDS = 30;

export interface Interruption {
  /** It has come: what the hosts do from now on is its doing. */
  readonly hasCome: boolean;
  /** The hosts have started: its time runs. */
  begin(): void;
  /** The hosts have ended: it comes no more. Returns when what it began is done. */
  settle(): Promise<void>;
}

/** Of hosts that will start. `mayCome` is asked when it is time: a job that is ending already ends for its own reason. */
export function interruptionOf(
  { engine, reporter }: JobRun,
  at: {
    readonly afterSeconds: number | null;
    readonly placed: readonly HostHandle[];
    readonly mayCome: () => boolean;
    readonly onCome: () => void;
  },
): Interruption {
  const come = new AbortController();
  const { afterSeconds, placed, mayCome, onCome } = at;
  const stopping = onAbort(come.signal, async () => {
    onCome();
    reporter.say({ kind: 'job.status', status: 'Interrupted', message: RESTART_WORDS.interrupted });
    await Promise.all(placed.map(handle => engine.stop(handle, GRACE_SECONDS)));
  });
  let timer: NodeJS.Timeout | undefined;
  return {
    begin() {
      if (afterSeconds === null) return;
      timer = setTimeout(() => {
        if (mayCome()) come.abort();
      }, afterSeconds * 1000);
    },
    get hasCome() {
      return come.signal.aborted;
    },
    settle() {
      clearTimeout(timer);
      return stopping.settled();
    },
  };
}

/** Throws USAGE for a job that runs on no spot instances. */
export function assertOnSpot(job: Job): void {
  if (job.kind === 'training' && job.spot !== null) return;
  throw new OptmlError(
    'USAGE',
    `--interrupt-after interrupts spot instances, and "${job.name}" does not run on any: set EnableManagedSpotTraining to true and MaxWaitTimeInSeconds in its request, or leave the flag out.`,
  );
}
