import { expect, test } from 'vitest';
import { OptmlError } from '../../src/errors.js';
import { memberPaths } from '../../src/job/shape-table.js';
import { readRequestDocument } from '../../src/job/request-document.js';
import { parseTrainingJob } from '../../src/job/training-job.js';
import { channel, SETTINGS, validRequest } from './requests.js';

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const NAMES = [
  ...memberPaths('CreateTrainingJobRequest').map(path => (path.split('.').at(-1) ?? '').replace('[]', '')),
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', ' ', 'a.b', '\n', 'x'.repeat(5000)],
];

const VALUES: readonly unknown[] = [
  ...[
    null,
    undefined,
    true,
    false,
    0,
    -1,
    1,
    1.5,
    2,
    1e308,
    -(2 ** 53),
    NaN,
    Infinity,
    '',
    'a',
    '-'.repeat(5000),
    '\0',
  ],
  ...[
    'é\u{1F600}',
    '\uD800',
    's3://b/k',
    's3://',
    's3:///',
    's3://../..',
    'https://s3.amazonaws.com/%',
    'Pipe',
    'FastFile',
  ],
  ...[
    'Gzip',
    'ManifestFile',
    'AugmentedManifestFile',
    'Converse',
    'ml.g5.xlarge',
    'ml.',
    '__proto__',
    'a'.repeat(100_000),
  ],
  ...[
    [],
    {},
    [null],
    [[]],
    [{}],
    { a: 1 },
    { '': '' },
    Array(200).fill('a'),
    Array(200).fill({}),
    { S3OutputPath: 's3://b' },
  ],
];

type Node = Record<string, unknown> | unknown[];

/** Changes one to five places of a request: a value, a name, a member more or less, a branch moved. */
function mutated(random: () => number): unknown {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const request = structuredClone(
    validRequest({
      InputDataConfig: [channel(), channel({ ChannelName: 'b', ShuffleConfig: { Seed: 1 } })],
      HyperParameters: { a: '1' },
      Tags: [{ Key: 'a', Value: 'b' }],
      CheckpointConfig: null,
      DebugHookConfig: { S3OutputPath: 's3://b' },
    }),
  );
  for (let change = Math.ceil(random() * 5); change > 0; change -= 1) {
    const node = pick(nodesOf(request));
    const names = Array.isArray(node) ? ['0', '1', '7'] : NAMES;
    const key = Object.keys(node).length > 0 && random() < 0.7 ? pick(Object.keys(node)) : pick(names);
    const value = structuredClone(random() < 0.8 ? pick(VALUES) : pick(nodesOf(request)));
    if (random() < 0.15) Reflect.deleteProperty(node, key);
    else Object.defineProperty(node, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return request;
}

function nodesOf(value: unknown): Node[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value as Node, ...Object.values(value).flatMap(nodesOf)];
}

test('10,000 mutated requests are taken or refused, and nothing else is ever thrown', () => {
  const random = seeded(20261);
  const codes = new Map<string, number>();
  for (let round = 0; round < 10_000; round += 1) {
    const request = mutated(random);
    const code = outcome(() => parseTrainingJob(request as never, SETTINGS));
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  expect([...codes.keys()].toSorted()).toEqual(['REQUEST_INVALID', 'REQUEST_REFUSED', 'taken']);
  expect(codes.get('taken')).toBeGreaterThan(100);
});

test('10,000 mutated texts are read or refused, and nothing else is ever thrown', () => {
  const random = seeded(7);
  const json = JSON.stringify(validRequest(), null, 1);
  const yaml =
    'TrainingJobName: a\nTags:\n  - {Key: k, Value: "v"}\nEnvironment: &e\n  A: |\n    text\nB: *e\n';
  const marks = Array.from('{}[]",:\\\n\t-&*!|>%@`\'#?~ 0aé\0\uFEFF');
  for (let round = 0; round < 10_000; round += 1) {
    const text = round % 2 === 0 ? json : yaml;
    const at = Math.floor(random() * text.length);
    const mark = (marks[Math.floor(random() * marks.length)] ?? '').repeat(Math.ceil(random() * 3));
    const changed = text.slice(0, at) + mark + text.slice(at + Math.floor(random() * 3));
    expect(['taken', 'REQUEST_UNREADABLE']).toContain(outcome(() => readRequestDocument(changed, 'job')));
  }
});

test('a request of megabytes is refused at once, in a message that can be read', () => {
  const big = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, index) => [`k${index}`, { a: [index] }]),
  );
  const start = performance.now();
  const request = validRequest({
    HyperParameters: big,
    InputDataConfig: Array(100_000).fill({}),
    Tags: 'a'.repeat(1e7),
  });
  expect(() => parseTrainingJob(request, SETTINGS)).toThrow(
    expect.objectContaining({ code: 'REQUEST_INVALID' }),
  );
  // Under half a second, and no minutes on the busiest machine.
  expect(performance.now() - start).toBeLessThan(20_000);
  const message = messageOf(() => parseTrainingJob(request, SETTINGS));
  expect(message.length).toBeLessThan(20_000);
});

function outcome(action: () => unknown): string {
  try {
    action();
    return 'taken';
  } catch (thrown) {
    if (thrown instanceof OptmlError) return thrown.code;
    throw thrown;
  }
}

function messageOf(action: () => unknown): string {
  try {
    action();
    return '';
  } catch (thrown) {
    return (thrown as Error).message;
  }
}
