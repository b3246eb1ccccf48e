/** A log of a million lines searched for ten metrics, beside `grep -E` and Python's `re` with the same patterns over the same file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, inTurn, report, ROOT, rounds, shell } from './measure.mjs';

const LINES = 1_000_000;

/** Names of metrics; the log has the first half of them, in some lines only. */
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
  const folder = mkdtempSync('/dev/shm/optml-bench-');
  try {
    for (const [title, line] of [
      ['one line in ten has metrics', index => (index % 10 === 0 ? withMetrics(index) : plain(index))],
      ['every line has metrics', withMetrics],
      ['no line has one', plain],
    ]) {
      const log = join(folder, 'log');
      writeFileSync(log, Array.from({ length: LINES }, (_, index) => line(index)).join('\n'));
      const figures = await inTurn(
        [
          {
            name: 'grep -E',
            run: () => shell(`grep -cE '${PATTERNS.join('|')}' ${log} || [ $? = 1 ]`),
          },
          { name: 'python re', run: () => command('python3', ['-c', PYTHON, log, ...PATTERNS]) },
          {
            name: 'optml',
            run: () =>
              command(process.execPath, [join(ROOT, 'test/bench/child/metrics.mjs'), log, ...PATTERNS]),
          },
        ],
        rounds(),
      );
      report(`${LINES} lines, ${PATTERNS.length} patterns, ${title}`, figures, { rounds: rounds() });
      const { wall } = figures.get('optml');
      console.log(`  optml: ${(LINES / wall / 1000).toFixed(2)} million lines a second, its start included`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function plain(index) {
  return `2026-11-25 08:00:${index % 60} INFO worker ${index % 8} read batch ${index} of part-0000${index % 7}.csv in ${index % 90} ms`;
}

function withMetrics(index) {
  const values = NAMES.slice(0, 5).map((name, at) => `${name}=${((index % 1000) / 1000 + at).toFixed(4)}`);
  return `2026-11-25 08:00:${index % 60} step ${index} ${values.join(' ')}`;
}
