/** Another try, after a growing pause, within a budget. */

import { pause } from '../on-abort.js';
import { faultOfFailure, type S3Fault } from './fault.js';

export interface RetryOptions {
  readonly signal: AbortSignal;
  /** Tries in all for faults that pass. */
  readonly tries: number;
  /** The pause before the second try, in milliseconds; each further one doubles, up to `LONGEST_PAUSE_MS`. */
  readonly backoffMs: number;
  /** Has the endpoint ever answered? If not, an endpoint where nobody listens is given up soon. */
  readonly hasAnswered: () => boolean;
}

const LONGEST_PAUSE_MS = 5_000;
const UNREACHABLE_TRIES = 3;
/** Each connection attempt to a silent host has its own limit already. */
const SILENT_TRIES = 2;

/**
 * Runs `attempt` until it succeeds. An attempt that calls `progress` before it fails starts a new budget.
 * Throws the last S3Fault, an error of another kind at once, or the reason of the signal.
 */
export async function withRetries<T>(
  { signal, tries, backoffMs, hasAnswered }: RetryOptions,
  attempt: (progress: () => void) => Promise<T>,
): Promise<T> {
  let used = 0;
  const progress = (): void => {
    used = 0;
  };
  for (;;) {
    signal.throwIfAborted();
    used++;
    try {
      return await attempt(progress);
    } catch (thrown) {
      signal.throwIfAborted();
      const fault = faultOfFailure(thrown);
      if (fault === null) throw thrown;
      if (fault.kind !== 'again' && fault.kind !== 'unreachable') throw fault;
      if (used >= budget(fault, { tries, firm: hasAnswered() })) throw fault;
      await pause(pauseBefore(used, backoffMs), signal);
    }
  }
}

function budget(fault: S3Fault, { tries, firm }: { readonly tries: number; readonly firm: boolean }): number {
  if (fault.code === 'ConnectTimeout') return SILENT_TRIES;
  return fault.kind === 'again' || firm ? tries : UNREACHABLE_TRIES;
}

/** Full jitter above one half, so that many transfers do not come back at once. */
function pauseBefore(used: number, backoffMs: number): number {
  return Math.min(LONGEST_PAUSE_MS, backoffMs * 2 ** (used - 1)) * (0.5 + Math.random() / 2);
}
