/** Searches log lines for metrics in a thread of its own: a user's pattern may take for ever, and nothing else must wait for it. */
import { parentPort, workerData } from 'node:worker_threads';
import type { MetricDefinition, MetricValue, ToScanner } from './metrics.js';

const { definitions } = workerData as { definitions: readonly MetricDefinition[] };
const patterns = definitions.map(({ name, regex }) => ({ name, pattern: new RegExp(regex) }));
const last = new Map<string, MetricValue>();

parentPort?.on('message', (message: ToScanner) => {
  if (message.kind === 'finish') {
    parentPort?.postMessage({ kind: 'final', values: [...last.values()] });
    return;
  }
  for (const line of message.lines)
    for (const { name, pattern } of patterns) {
      const found = pattern.exec(line)?.[1];
      // A metric is a 32-bit float on the platform, which shows in its digits (contract §1.15).
      const value = Math.fround(Number(found));
      if (found !== undefined && found.trim() !== '' && Number.isFinite(value))
        last.set(name, { name, value, time: message.time });
    }
  parentPort?.postMessage({ kind: 'done', lines: message.lines.length });
});
