/** MaxRuntimeInSeconds. */
import type { JobRun } from './run-job.js';

/** Counts from the start of the download, as TrainingStartTime does (UNCONFIRMED, contract §1.11). */
export function startRuntimeClock({ plan, control }: JobRun): { stop(): void } {
  // A timer holds 24 days; the limit may be 28, all of which nobody waits for here.
  const milliseconds = Math.min(plan.limits.maxRuntimeSeconds * 1000, 2 ** 31 - 1);
  const timer = setTimeout(() => control.stop('max-runtime'), milliseconds);
  return { stop: () => clearTimeout(timer) };
}
