/** The search of a log for metrics (contract §1.15). */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MetricSearch, type LogText } from '../../src/collect/metric-search.js';
import type * as Metrics from '../../src/collect/metrics.js';
import { readPythonPattern } from '../../src/job/python-pattern/python-pattern.js';
import { askPython } from '../harness/python-re.js';

/** The built one: its thread is a file of its own. */
const { startMetricScanner } = (await import(
  join(import.meta.dirname, '../../dist/collect/metrics.js')
)) as typeof Metrics;

const REGEXES: Readonly<Record<string, string>> = {
  loss: 'loss=([0-9.]+)',
  rmse: String.raw`.*\[[0-9]+\].*#011train-rmse:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*`,
  accuracy: String.raw`\bacc(?:uracy)?[=:]\s*(\S+)`,
  case: '(?i)LOSS=([0-9]+)',
  alone: '^([0-9]+)$',
  either: 'first=([0-9]+)|second=([0-9]+)',
  late: 'epoch ([0-9]+) of [0-9]+ done',
  long: 'validation-accuracy-of-the-best-model-so-far=([0-9.e+-]+)',
};

const WORDS = [
  ...['loss=0.5', 'loss=x', 'Loss=7', 'acc: 0.25', 'accuracy=nan', 'acc=3', '42', '[3]#011train-rmse:1e-3'],
  ...['first=1', 'second=2', 'epoch 3 of 9 done', 'epoch 3', 'é', 'step', '', 'some words', '\u2028'],
  ...['validation-accuracy-of-the-best-model-so-far=1e3', 'loss=', 'loss=..'],
];

test('of texts made at random, the last value of each metric is found, as Python would find it', () => {
  let state = 7;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const word = (): string => WORDS[next(WORDS.length)] ?? '';
  const logs = Array.from({ length: 60 }, (): LogText[] =>
    Array.from({ length: 1 + next(4) }, (_, time) => ({
      time,
      text: Array.from({ length: 1 + next(80) }, () => `${word()} ${word()}`.trim()).join('\n'),
    })),
  );
  const search = new MetricSearch(
    Object.entries(REGEXES).map(([name, regex]) => {
      const pattern = readPythonPattern(regex);
      if (pattern.kind !== 'read') throw new Error(`${regex} cannot be read`);
      return { name, ...pattern };
    }),
  );
  const lines = logs.flatMap((log, index) =>
    log.flatMap(({ text, time }) => text.split('\n').map(line => ({ index, time, line }))),
  );
  const answers = askPython(
    Object.values(REGEXES).map(pattern => ({ pattern, lines: lines.map(({ line }) => line) })),
  );
  const expected = logs.map(() => new Map<string, object>());
  for (const [at, name] of Object.keys(REGEXES).entries()) {
    const answer = answers[at];
    if (answer === undefined || 'error' in answer) throw new Error(`Python does not take ${name}`);
    for (const [place, { index, time }] of lines.entries()) {
      const value = Number(answer.values[place] ?? 'none');
      if (answer.values[place] !== '' && Number.isFinite(value))
        expected[index]?.set(name, { name, value: Math.fround(value), time });
    }
  }
  for (const [index, log] of logs.entries()) {
    search.begin(log);
    search.run();
    expect(new Map(search.found.map(one => [one.name, one]))).toEqual(expected[index]);
  }
  expect(expected.filter(one => one.size > 4).length).toBeGreaterThan(30);
});

test.each([
  ['1e3', 1000],
  [' -.5 ', -0.5],
  ['3.', 3],
  ['1e99', undefined],
  ['0x10', undefined],
  ['', undefined],
  ['1,5', undefined],
  ['inf', undefined],
])('the value "%s" is %s', async (text, value) => {
  const scanner = startMetricScanner([{ name: 'm', regex: '<(.*)>' }]);
  scanner.push([`<${text}>`], 1);
  expect((await scanner.finish()).values.map(one => one.value)).toEqual(value === undefined ? [] : [value]);
});

const HOSTILE = { name: 'hostile', regex: '(?:(a+)+)+!' };
const TRAP = 'a'.repeat(60);

test('a pattern that never ends over a line is left out from there on, and the others go on', async () => {
  const scanner = startMetricScanner([
    HOSTILE,
    { name: 'loss', regex: 'loss=([0-9.]+)' },
    { name: 'lazy', regex: '^(?:(?:x|xx)+)+([0-9])' },
    { name: 'late', regex: 'late=([0-9.]+)' },
  ]);
  scanner.push(['loss=1', 'xx4'], 1);
  scanner.push([`${TRAP}?!`, 'loss=2', 'x'.repeat(80)], 2);
  scanner.push(['late=3', 'aaa!', 'nothing'], 3);
  const { values, incomplete } = await scanner.finish();
  expect(values.map(({ name, value }) => [name, value]).sort()).toEqual([
    ['late', 3],
    ['lazy', 4],
    ['loss', 2],
  ]);
  expect(incomplete).toContain('the pattern of hostile took too long over one line');
  expect(incomplete).toContain('the pattern of lazy took too long over one line');
});

test('where a log is faster than the search, its last lines count', async () => {
  const scanner = startMetricScanner([HOSTILE, { name: 'loss', regex: 'loss=([0-9.]+)' }]);
  scanner.push([`${TRAP}?!`], 1);
  const filling = Array.from({ length: 10 }, () => 'z'.repeat(1_000_000));
  for (let index = 0; index < 8; index += 1) scanner.push([`loss=${index}`, ...filling], 2);
  const { values, incomplete } = await scanner.finish();
  expect(values).toEqual([{ name: 'loss', value: 7, time: 2 }]);
  expect(incomplete).toContain('a pattern could not keep up with the log');
});

test('a pattern without a group has no value, and that is said', async () => {
  const scanner = startMetricScanner([{ name: 'm', regex: 'loss=[0-9]+' }]);
  scanner.push(['loss=1'], 1);
  expect(await scanner.finish()).toEqual({
    values: [],
    incomplete: expect.stringContaining('the pattern of m has no group') as unknown,
  });
});

test('without a line there is no value and no fault', async () => {
  expect(await startMetricScanner([{ name: 'm', regex: '(.)' }]).finish()).toEqual({
    values: [],
    incomplete: null,
  });
});
