/** How an engine is asked: how long its answer is waited for, how often, and what its silence and its refusals mean. */
import { setTimeout as delay } from 'node:timers/promises';
import { asOptmlError, OptmlError } from '../../errors.js';

/** An engine that is asked and says nothing is given up after this long. */
export const ANSWER_MS = 5_000;
/** A container that wrote many files takes long to remove. */
export const REMOVE_MS = 15_000;

/** One slow answer is no loss: an engine under load, or one whose disk is busy, says nothing for a while. */
const ASKS = 3;
/** Where nobody listens, a second look is enough. */
const REFUSALS = 2;
const PAUSE_MS = 500;
/**
 * A container that is removed is out of the engine's list before its name and its volumes are free. Somebody else's may hold them for
 * good: then 5 s are enough.
 */
const LETTING_GO = 50;
const LETTING_GO_MS = 100;

/**
 * A request that is given up after a time, or earlier. (A time-out that `AbortSignal.any` alone holds is collected as garbage
 * in Node 20 and never fires; a timer is not.)
 */
export async function within<T>(
  milliseconds: number,
  ask: (signal: AbortSignal) => Promise<T>,
  earlier?: AbortSignal,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), milliseconds);
  try {
    return await ask(earlier === undefined ? limit.signal : AbortSignal.any([earlier, limit.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again after a silence, a few times; what the engine answers counts at once. Throws the last silence. */
export async function patiently<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  let refusals = 0;
  for (let asked = 1; ; asked += 1) {
    try {
      return await ask();
    } catch (thrown) {
      refusals = nobodyListens(thrown) ? refusals + 1 : 0;
      if (!isSilence(thrown) || signal?.aborted === true || asked === ASKS || refusals === REFUSALS)
        throw thrown;
    }
    await delay(PAUSE_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/**
 * As `patiently`, for what may be asked twice. An engine that was given up gets one try until it has answered again, so that
 * many requests to a dead one do not add up.
 */
export function persistence(): <T>(ask: () => Promise<T>) => Promise<T> {
  let isLost = false;
  return async ask => {
    try {
      const answer = await (isLost ? ask() : patiently(ask));
      isLost = false;
      return answer;
    } catch (thrown) {
      isLost = isSilence(thrown);
      throw thrown;
    }
  };
}

/** Asks again while what is asked for is in the hands of a container that the engine is letting go; then throws its 409. */
export async function untilLetGo<T>(ask: () => Promise<T>): Promise<T> {
  for (let asked = 1; ; asked += 1) {
    try {
      return await ask();
    } catch (thrown) {
      if (!hasStatus(thrown, 409) || asked === LETTING_GO) throw thrown;
    }
    await delay(LETTING_GO_MS);
  }
}

/** No answer at all, as against an answer that says no. */
export function isSilence(thrown: unknown): boolean {
  if (thrown instanceof OptmlError || !(thrown instanceof Error)) return false;
  const { statusCode, code, name } = thrown as { statusCode?: number; code?: string; name: string };
  return (
    statusCode === undefined &&
    (code !== undefined || name === 'TimeoutError' || /socket hang up|connect/i.test(thrown.message))
  );
}

function nobodyListens(thrown: unknown): boolean {
  return ['ECONNREFUSED', 'ENOENT'].includes((thrown as { code?: string }).code ?? '');
}

/** The engine's own words for what it will not do. */
export function refused(
  thrown: unknown,
  code: 'ENGINE_UNFIT' | 'CONTAINER_UNSTARTABLE' = 'ENGINE_UNFIT',
): OptmlError {
  const { statusCode, json, reason } = thrown as {
    statusCode?: number;
    json?: { message?: string };
    reason?: string;
  };
  if (statusCode === undefined) return asOptmlError(thrown);
  return new OptmlError(code, json?.message ?? reason ?? (thrown as Error).message, { cause: thrown });
}

export function hasStatus(thrown: unknown, ...statusCodes: readonly number[]): boolean {
  const { statusCode } = thrown as { statusCode?: number };
  return statusCode !== undefined && statusCodes.includes(statusCode);
}

export async function ignoring(statusCodes: readonly number[], request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (thrown) {
    if (!hasStatus(thrown, ...statusCodes)) throw thrown;
  }
}
