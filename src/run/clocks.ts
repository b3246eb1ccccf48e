/** MaxRuntimeInSeconds and MaxWaitTimeInSeconds. */
import type { JobRun } from './run-job.js';

/**
 * Both count from the start of the first download, as TrainingStartTime does (UNCONFIRMED, contract §1.11): the runtime while
 * there are instances, over all starts; the wait without a pause.
 */
export interface Clocks {
  readonly haveInstances: () => void;
  readonly haveNone: () => void;
  readonly stop: () => void;
}

export function startClocks({ plan, control }: Pick<JobRun, 'plan' | 'control'>): Clocks {
  const { maxWaitSeconds } = plan.restarts;
  let left = plan.limits.maxRuntimeSeconds * 1000;
  let since: number | null = null;
  let runtime: NodeJS.Timeout | undefined;
  let wait: NodeJS.Timeout | undefined;
  const haveNone = (): void => {
    clearTimeout(runtime);
    if (since !== null) left -= performance.now() - since;
    since = null;
  };
  return {
    haveInstances() {
      since = performance.now();
      runtime = timer(left, () => control.stop('max-runtime'));
      // Set after the other: where both end at once, the job has run for as long as it may.
      if (maxWaitSeconds !== null) wait ??= timer(maxWaitSeconds * 1000, () => control.stop('max-wait'));
    },
    haveNone,
    stop() {
      haveNone();
      clearTimeout(wait);
    },
  };
}

/** A timer holds 24 days; the limit may be 28, all of which nobody waits for here. */
function timer(milliseconds: number, act: () => void): NodeJS.Timeout {
  return setTimeout(act, Math.min(milliseconds, 2 ** 31 - 1));
}
