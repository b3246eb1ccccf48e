/** FinalMetricDataList: the last value of each metric that a log line showed (contract §1.15). */
import { Worker } from 'node:worker_threads';
import { deferred } from '../deferred.js';
import { readPythonPattern } from '../job/python-pattern/python-pattern.js';
import type { LogText, SearchedMetric } from './metric-search.js';

export interface MetricDefinition {
  readonly name: string;
  /** As Python reads it. */
  readonly regex: string;
}

export interface MetricValue {
  readonly name: string;
  readonly value: number;
  /** Epoch milliseconds of the line. */
  readonly time: number;
}

/** The answer to texts that were sent to the search. */
export interface FromSearch {
  readonly values: readonly MetricValue[];
  /** Metrics whose patterns took too long: they are not looked for any more. */
  readonly givenUp: readonly string[];
}

export interface MetricScanner {
  /** Lines as they stand in the log, escaped. */
  readonly push: (lines: readonly string[], time: number) => void;
  /** The values, and why they may not be complete. */
  readonly finish: () => Promise<{
    readonly values: readonly MetricValue[];
    readonly incomplete: string | null;
  }>;
}

/** When more than this waits, the log is faster than the search, and the oldest lines are left out. */
const MAX_WAITING_CHARACTERS = 64 * 1024 * 1024;
/** So long the end of a job waits for the search. */
const FINISH_MS = 10_000;

export function startMetricScanner(definitions: readonly MetricDefinition[]): MetricScanner {
  const { metrics, unreadable } = read(definitions);
  const faults = [...unreadable];
  const found = new Map<string, MetricValue>();
  let waiting: LogText[] = [];
  let waitingCharacters = 0;
  let busy = false;
  let dead = false;
  let idle = deferred<undefined>();
  idle.resolve(undefined);

  const worker =
    metrics.length === 0
      ? null
      : new Worker(new URL('./metric-worker.js', import.meta.url), { workerData: metrics });
  worker?.unref();
  worker?.on('message', ({ values, givenUp }: FromSearch) => {
    for (const value of values) found.set(value.name, value);
    for (const name of givenUp)
      faults.push(`the pattern of ${name} took too long over one line, and was left out from there on`);
    busy = false;
    if (!send()) idle.resolve(undefined);
  });
  worker?.on('error', (error: Error) => {
    faults.push(error.message);
    dead = true;
    idle.resolve(undefined);
  });

  /** One message at a time: what comes meanwhile makes the next one. False when there is nothing to send. */
  function send(): boolean {
    if (worker === null || busy || waiting.length === 0) return false;
    worker.postMessage(waiting);
    waiting = [];
    waitingCharacters = 0;
    busy = true;
    return true;
  }

  function dropOldest(): void {
    const dropped = waiting.shift();
    if (dropped === undefined) return;
    waitingCharacters -= dropped.text.length;
    const fault = 'a pattern could not keep up with the log';
    if (!faults.includes(fault)) faults.push(fault);
  }

  return {
    push(lines, time) {
      if (worker === null || dead || lines.length === 0) return;
      const text = lines.join('\n');
      waiting.push({ text, time });
      waitingCharacters += text.length;
      while (waitingCharacters > MAX_WAITING_CHARACTERS && waiting.length > 1) dropOldest();
      if (!busy) idle = deferred();
      send();
    },
    async finish() {
      if (worker !== null) {
        const timer = setTimeout(() => {
          faults.push('the search was not done some time after the end of the job');
          idle.resolve(undefined);
        }, FINISH_MS);
        await idle.promise;
        clearTimeout(timer);
        await worker.terminate();
      }
      return {
        values: [...found.values()],
        incomplete: faults.length === 0 ? null : faults.join('; '),
      };
    },
  };
}

/** A job has only patterns that can be read; what an older version wrote down may be otherwise. */
function read(definitions: readonly MetricDefinition[]): {
  readonly metrics: readonly SearchedMetric[];
  readonly unreadable: readonly string[];
} {
  const metrics: SearchedMetric[] = [];
  const unreadable: string[] = [];
  for (const { name, regex } of definitions) {
    const pattern = readPythonPattern(regex);
    if (pattern.kind !== 'read') unreadable.push(`the pattern of ${name} cannot be read`);
    else if (pattern.groups === 0)
      unreadable.push(`the pattern of ${name} has no group that could hold a value, such as ([0-9.]+)`);
    else metrics.push({ name, ...pattern });
  }
  return { metrics, unreadable };
}
