/**
 * A log of a million lines searched for ten metrics, beside `grep -E` (which only finds lines) and Python's `re`, with the same
 * patterns over the same file. What optml does to a log anyway, decoding, cutting and escaping its lines, is in its time.
 */
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { atLeast, command, inTurn, report, rounds, shell } from './measure.mjs';

const LINES = 1_000_000;
/** About what an engine sends at a time. */
const CHUNK_BYTES = 32 * 1024;

const NAMES = ['loss', 'accuracy', 'lr', 'epoch', 'grad_norm', 'f1', 'rmse', 'auc', 'recall', 'perplexity'];
const PATTERNS = NAMES.map(name => `${name}=([0-9.]+)`);

const PYTHON = `
import re, sys
patterns = [re.compile(one) for one in sys.argv[2:]]
last = {}
for line in open(sys.argv[1]):
    for pattern in patterns:
        found = pattern.search(line)
        if found: last[pattern] = found.group(1)
`;

export async function bench() {
  const search = await searcher();
  const folder = mkdtempSync('/dev/shm/optml-bench-');
  const log = join(folder, 'log');
  try {
    for (const [title, line] of [
      ['one line in ten has five of them', index => (index % 10 === 0 ? withMetrics(index) : plain(index))],
      ['every line has five of them', withMetrics],
      ['no line has any', plain],
    ]) {
      writeFileSync(log, Array.from({ length: LINES }, (_, index) => line(index)).join('\n'));
      const figures = await inTurn(
        [
          { name: 'grep -E', run: () => shell(`grep -E '${PATTERNS.join('|')}' ${log} | tail -n 1`) },
          { name: 'python re', run: () => command('python3', ['-c', PYTHON, log, ...PATTERNS]) },
          { name: 'optml', run: () => search(log) },
        ],
        rounds(),
      );
      report(`${LINES} lines, ${PATTERNS.length} metrics, ${title}`, figures, { rounds: rounds() });
      const rate = LINES / figures.get('optml').wall / 1000;
      atLeast(`${PATTERNS.length} metrics in a log, ${title}`, rate, 1, 'million lines/s');
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function searcher() {
  const { startMetricScanner } = await import('../../dist/collect/metrics.js');
  const { escapeControls, lineSplitter } = await import('../../dist/journal/log-lines.js');
  return async log => {
    const scanner = startMetricScanner(PATTERNS.map((regex, index) => ({ name: `m${index}`, regex })));
    const splitter = lineSplitter();
    const hand = lines => scanner.push(lines.map(escapeControls), 0);
    for await (const chunk of createReadStream(log, { highWaterMark: CHUNK_BYTES }))
      hand(splitter.push(chunk));
    hand(splitter.end());
    const { incomplete } = await scanner.finish();
    if (incomplete !== null) throw new Error(incomplete);
  };
}

function plain(index) {
  return `2026-11-25 08:00:${index % 60} INFO worker ${index % 8} read batch ${index} of part-0000${index % 7}.csv in ${index % 90} ms`;
}

function withMetrics(index) {
  const values = NAMES.slice(0, 5).map((name, at) => `${name}=${((index % 1000) / 1000 + at).toFixed(4)}`);
  return `2026-11-25 08:00:${index % 60} step ${index} ${values.join(' ')}`;
}
