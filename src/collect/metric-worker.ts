/** Searches a log for metrics in a thread of its own: a user's pattern may take for ever, and nothing else must wait for it. */
import { Script } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { MetricSearch, type LogText, type SearchedMetric } from './metric-search.js';
import type { FromSearch } from './metrics.js';

/** Longer than this no pattern is tried on one line. Those that are sound take microseconds. */
const LINE_MS = 1_000;

const search = new MetricSearch(workerData as readonly SearchedMetric[]);

// A search for a pattern can be ended from outside only in a script that has a time limit.
Object.assign(globalThis, { searchForMetrics: () => search.run() });
const script = new Script('searchForMetrics()');

parentPort?.on('message', (texts: readonly LogText[]) => {
  search.begin(texts);
  const givenUp: string[] = [];
  while (!runs()) {
    // It may have begun late in the time: then it gets another chance.
    const name = search.giveUp(LINE_MS / 2);
    if (name !== null) givenUp.push(name);
  }
  parentPort?.postMessage({ values: search.found, givenUp } satisfies FromSearch);
});

/** False when the time was up before all was searched. */
function runs(): boolean {
  try {
    script.runInThisContext({ timeout: LINE_MS });
    return true;
  } catch (thrown) {
    if ((thrown as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw thrown;
  }
}
