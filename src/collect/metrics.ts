/** FinalMetricDataList: the last value of each metric that a log line showed (contract §1.15). */
import { Worker } from 'node:worker_threads';

export interface MetricDefinition {
  readonly name: string;
  /** As JavaScript reads it: `asJavaScriptPattern` has been over it. */
  readonly regex: string;
}

export interface MetricValue {
  readonly name: string;
  readonly value: number;
  /** Epoch milliseconds of the line. */
  readonly time: number;
}

export type ToScanner =
  | { readonly kind: 'lines'; readonly lines: readonly string[]; readonly time: number }
  | { readonly kind: 'finish' };

type FromScanner =
  | { readonly kind: 'done'; readonly lines: number }
  | { readonly kind: 'final'; readonly values: readonly MetricValue[] };

export interface MetricScanner {
  /** Lines as they stand in the log, escaped. */
  readonly push: (lines: readonly string[], time: number) => void;
  /** The values, and why they may not be complete. */
  readonly finish: () => Promise<{
    readonly values: readonly MetricValue[];
    readonly incomplete: string | null;
  }>;
}

/** More lines than this waiting means that a pattern does not keep up. */
const MAX_WAITING_LINES = 500_000;
const FINISH_MS = 5_000;

export function startMetricScanner(given: readonly MetricDefinition[]): MetricScanner {
  const read = given.map(one => ({ name: one.name, regex: asJavaScriptPattern(one.regex) }));
  const unreadable = read.filter(one => one.regex === null).map(one => one.name);
  const definitions = read.flatMap(({ name, regex }) => (regex === null ? [] : [{ name, regex }]));
  const worker =
    definitions.length === 0
      ? null
      : new Worker(new URL('./metric-worker.js', import.meta.url), { workerData: { definitions } });
  let waiting = 0;
  let incomplete = unreadable.length === 0 ? null : `the pattern of ${unreadable.join(', ')} cannot be read`;
  let onFinal: (values: readonly MetricValue[]) => void = () => undefined;
  worker?.on('message', (message: FromScanner) => {
    if (message.kind === 'done') waiting -= message.lines;
    else onFinal(message.values);
  });
  worker?.on('error', (error: Error) => {
    incomplete ??= error.message;
    onFinal([]);
  });
  worker?.unref();
  return {
    push(lines, time) {
      if (worker === null || lines.length === 0) return;
      if (waiting > MAX_WAITING_LINES) {
        incomplete ??= 'a pattern could not keep up with the log';
        return;
      }
      waiting += lines.length;
      worker.postMessage({ kind: 'lines', lines, time } satisfies ToScanner);
    },
    async finish() {
      if (worker === null) return { values: [], incomplete };
      const values = await new Promise<readonly MetricValue[]>(resolve => {
        const timer = setTimeout(() => {
          incomplete ??= 'a pattern took too long';
          resolve([]);
        }, FINISH_MS);
        onFinal = found => {
          clearTimeout(timer);
          resolve(found);
        };
        worker.postMessage({ kind: 'finish' } satisfies ToScanner);
      });
      await worker.terminate();
      return { values, incomplete };
    },
  };
}

/** The guide's patterns are Python's; what differs in form is put into JavaScript's. Null when it is none. */
export function asJavaScriptPattern(regex: string): string | null {
  const pattern = regex.replaceAll('(?P<', '(?<').replace(/^\\A/, '^').replace(/\\Z$/, '$');
  try {
    new RegExp(pattern);
    return pattern;
  } catch {
    return null;
  }
}
