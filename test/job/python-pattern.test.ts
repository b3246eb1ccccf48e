/** Patterns of metrics mean what they mean to Python, whose own `re` is asked for each of them. */
import { expect, test } from 'vitest';
import { readPythonPattern, type PythonPattern } from '../../src/job/python-pattern/python-pattern.js';
import { askPython, type Answer } from '../harness/python-re.js';

/** Of SageMaker's algorithms, SDKs and documentation. */
const BUILT_IN = [
  String.raw`.*\[[0-9]+\].*#011train-rmse:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*`,
  String.raw`.*\[[0-9]+\].*#011validation-auc:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*`,
  String.raw`#quality_metric: host=\S+, train objective_loss <loss>=(\S+)`,
  String.raw`#quality_metric: host=\S+, epoch=\S+, validation binary_f_beta <score>=(\S+)`,
  String.raw`Epoch\S* Validation-accuracy=(\S+)`,
  String.raw`Epoch\[\d+\] Train-accuracy=(\S+)`,
  String.raw`#quality_metric\: host=\S+, test mse <loss>=(\S+)`,
  String.raw`loss = (.*?);`,
  String.raw`'loss': ([0-9]+(.|e\-)[0-9]+),?`,
  String.raw`'eval_accuracy': (?P<value>[0-9]+(?:\.|e\-)[0-9]+),?`,
  String.raw`Train_error=(.*?);`,
  String.raw`Test set: Average loss: ([0-9\.]+)`,
  String.raw`val_acc: ([0-9\\.]+)`,
  String.raw`^\s*accuracy\s*=\s*(-?\d+(?:\.\d+)?)\s*$`,
  String.raw`(?i)LOSS[ :=]+([0-9.]+)`,
  String.raw`(?x) loss \s* = \s* ([0-9.]+)  # the value`,
  String.raw`\Astep \d+ lr=(\d+\.\d+e-\d+)\Z`,
  String.raw`(?#the last one).*acc=(\d+)`,
  String.raw`(?<=acc=)(\d+)(?!\d)`,
  String.raw`(?P<q>['"])loss(?P=q): (\d+)`,
];

const LINES = [
  '[12]#011train-rmse:9.5#011validation-auc:0.75',
  '[2026-11-25:08:00:01:INFO] [3]#011train-rmse:1e-3',
  '#quality_metric: host=algo-1, train objective_loss <loss>=0.25 x',
  '#quality_metric: host=algo-1, epoch=3, validation binary_f_beta <score>=0.5',
  '#quality_metric: host=algo-1, test mse <loss>=7',
  'Epoch[4] Validation-accuracy=0.875 Train-accuracy=1',
  'Epoch[4] Train-accuracy=0.5',
  "{'loss': 0.25, 'eval_accuracy': 5e-05, 'epoch': 1.0}",
  'loss = 0.5; Train_error=1.5;',
  'Test set: Average loss: 0.25, Accuracy: 9/10',
  'val_acc: 0.125',
  '   accuracy =  -0.5 ',
  'Loss: 3 LOSS==4',
  'loss = .5',
  'step 12 lr=1.5e-05',
  'acc=1 acc=22 acc=333x',
  '"loss": 12 \'loss": 13',
  'Verlust ä=1 loss = 2; é١٢٣',
  'b\u2028loss = 3;\u2029 acc=4',
  '',
];

/** What Python means by each construct. */
const CONSTRUCTS = [
  ...[
    '(a)|b',
    '(a|ab)(c|bcd)(d*)',
    '(a*?)b',
    '(a{2,3})',
    '(a{,2})b',
    '(a{2})',
    '(a{2,})',
    '(a{1}{)',
    '({)',
    '({})',
    '(a{x})',
  ],
  ...[
    String.raw`([\d]+)`,
    String.raw`([^\d\s]+)`,
    String.raw`([\W]+)`,
    String.raw`(\w+)`,
    String.raw`(\W+)`,
    String.raw`(\D+)`,
  ],
  ...[
    String.raw`(\s)`,
    String.raw`(\S+)$`,
    String.raw`\b(\w)`,
    String.raw`(\w)\b`,
    String.raw`\B(.)`,
    String.raw`(?a)\b(\w+)`,
  ],
  ...[
    String.raw`([]a]+)`,
    String.raw`([^]a]+)`,
    String.raw`([a-]+)`,
    String.raw`([-a]+)`,
    String.raw`([\]\-a]+)`,
    '([[a]+)',
    '([a&&b]+)',
  ],
  ...[
    String.raw`(\x61)`,
    String.raw`(\u0061)`,
    String.raw`(\U00000061)`,
    String.raw`(\141)`,
    String.raw`(\07|a)`,
    String.raw`([\b\141]+)`,
  ],
  ...[
    String.raw`(a)\1`,
    String.raw`(?P<x>a)(?P=x)`,
    String.raw`(?i)(a)\1`,
    String.raw`(\.)(\-)?`,
    String.raw`(\/|\:|\ )`,
  ],
  ...[
    '(?i)(A+)',
    '(?i:(A+))',
    '(?-i:(A+))',
    '(?i)(?-i:(A))',
    '(?s)(.)',
    '(?m)^(a)',
    '(?ims)(A)$',
    '(?u)(é)',
    '(?a)(é)',
    '(?s:(.))',
  ],
  ...[
    '(?=(a))a',
    '(?!a)(.)',
    '(?<!a)(b)',
    '(?<=a|b)(.)',
    '(?<=(a)b)c',
    '(?:(?=a))*(a)',
    '(?:)(a)',
    '()',
    '(a)(?#x)*',
    '(?x)(a #x\n b)',
  ],
  ...[
    '(?x) ( a | b ) [ ] ',
    '(?x:( a ))( )',
    String.raw`(?x)(\ )`,
    '(é+)',
    '(😀)',
    '([😀-😂])',
    '(.)$',
    '^(.)',
    '(a|)',
    '(|a)b',
    'a**',
    '(?:a*)+(b)',
  ],
  ...[
    '((?:a|b)+)',
    '(?:(a)b?)+',
    '(?:(a)|(b))',
    '((a)|b)+',
    'x*',
    '(x)*?b',
    '(a??)b',
    '(a+?)b',
    '(?:^)*(a)',
    '(?:a|b(c))',
    '(.*)b(.*)',
  ],
  ...[
    String.raw`\.(.)`,
    '(,)',
    '(=)',
    '(;)',
    '(~)',
    '(@)',
    '(/)',
    '(-)',
    '(#)',
    '(!!)',
    '(%)',
    '(&&)',
    '(`)',
    '(<)',
    '(a])',
    '(})',
  ],
];

const SHORT_LINES = [
  ...[
    '',
    'a',
    'b',
    'ab',
    'abc',
    'aab',
    'abcd',
    'aaa',
    'bca',
    'A',
    'Aa',
    'aA',
    'é',
    'éa',
    'aé b',
    'a b',
    'b-a',
    'x',
    'xab',
    '{a}',
    'a{',
    'a{x}',
    '{}',
  ],
  ...[
    'a1',
    '١',
    'a-b]',
    '[a]',
    'a&b',
    '\u00a0',
    'a\u2028b',
    '😀',
    '😁',
    '.-',
    '/',
    ':',
    ' ',
    'a]',
    'a #x',
    'ab b',
    ',=;~@/-#!!%&&`<',
    '\ufeff',
    '\u0085',
    'ſ',
  ],
];

const BAD = [
  ...[
    '(',
    ')',
    'a)',
    '(a',
    '[a',
    '[',
    '[]',
    '[^]',
    '*a',
    'a**',
    'a+*',
    'a{2}{3}',
    '^*',
    '(?:',
    '(?',
    '(?P',
    '(?P<',
    '(?P<a',
    '(?P<>a)',
    '(?P<1>a)',
    '(?P<a>b)(?P<a>c)',
  ],
  ...[
    '(?P=a)',
    '(?Px)',
    '(?<a>b)',
    '(?z)',
    '(?i',
    '(?i-',
    '(?i-:a)',
    '(?i-i:a)',
    '(?au)',
    '(?L)a',
    '(?-u:a)',
    'a(?i)',
    '(?#',
    String.raw`\1`,
    String.raw`(\1)`,
    String.raw`(a)\2`,
  ],
  ...[
    String.raw`\q`,
    String.raw`[\q]`,
    '\\',
    '[\\',
    String.raw`\x1`,
    String.raw`\u12`,
    String.raw`\U0011ffff`,
    String.raw`\400`,
    String.raw`[\400]`,
    String.raw`[\8]`,
    '[b-a]',
    String.raw`[\d-a]`,
    String.raw`[a-\d]`,
  ],
  ...[
    'a{3,2}',
    '(?<=a*)b',
    '(?<!a|bc)d',
    String.raw`(?<=(a)\1)b`,
    '|*',
    '(*)',
    '(?i)*',
    '(?=a',
    '(?<=',
    '(?<',
    '(?:a))',
    'a{5000000000}',
    '(?iq)',
    '(?i:a',
    '(?x',
    '[a-',
  ],
];

test('patterns of SageMaker and its documentation find in a line what Python finds', () => {
  compare(BUILT_IN, LINES);
});

test('each construct finds what Python finds', () => {
  compare(CONSTRUCTS, SHORT_LINES);
});

test('bad patterns are refused with what Python says of them', () => {
  const answers = askPython(BAD.map(pattern => ({ pattern, lines: [] })));
  expect(BAD.map(pattern => [pattern, ourError(readPythonPattern(pattern))])).toEqual(
    BAD.map((pattern, index) => [pattern, errorOf(answers[index])]),
  );
});

test.each([
  ['a*+(b)', 'atomic'],
  ['a?+(b)', 'atomic'],
  ['a{2}+(b)', 'atomic'],
  ['(?>a)(b)', 'atomic'],
  ['(a)?(?(1)b|c)', 'conditional'],
  [String.raw`\N{BULLET}(a)`, 'named-character'],
  ['(?:(a)|b)*', 'captures'],
  ['(a*)*', 'captures'],
  [String.raw`(a)?\1`, 'captures'],
  ['(?i:a)b(c)', 'fold'],
])('%s is good Python, and said to be what cannot be done here: %s', (pattern, what) => {
  expect(readPythonPattern(pattern)).toEqual({ kind: 'unsupported', what });
  expect(askPython([{ pattern, lines: [] }])).toEqual([{ values: [] }]);
});

test('ten thousand patterns made at random find what Python finds, or are refused when Python refuses them', () => {
  const next = random(20_261_125);
  const patterns = Array.from({ length: 10_000 }, () => madeUp(next, 3));
  const lines = ['', 'a', 'ab', 'ba', 'aab', 'abab', 'b1a', '1 2', 'aé1', 'Ab_', 'x'];
  const kinds = compare(patterns, lines);
  expect(kinds.read).toBeGreaterThan(3000);
  expect(kinds.invalid).toBeGreaterThan(100);
});

/** Gives how many there were of each kind. */
function compare(
  patterns: readonly string[],
  lines: readonly string[],
): Record<PythonPattern['kind'], number> {
  const answers = askPython(patterns.map(pattern => ({ pattern, lines })));
  const kinds = { read: 0, invalid: 0, unsupported: 0 };
  const wrong = patterns.flatMap((pattern, index): object[] => {
    const answer = answers[index];
    const ours = readPythonPattern(pattern);
    kinds[ours.kind] += 1;
    if (answer === undefined || 'error' in answer)
      return ours.kind === 'invalid' ? [] : [{ pattern, ours: ours.kind, python: errorOf(answer) }];
    if (ours.kind === 'unsupported') return [];
    if (ours.kind === 'invalid') return [{ pattern, ours: ours.why, python: 'is good' }];
    return lines.flatMap((line, at) => {
      const python = answer.values[at] ?? null;
      const found = [find(ours, line), ...(isAscii(line) ? [find(ours, line, ours.asciiSource)] : [])];
      const skips = python !== null && !line.includes(ours.required);
      return skips || found.some(one => one !== python)
        ? [{ pattern, line, python, found, required: ours.required }]
        : [];
    });
  });
  expect(wrong).toEqual([]);
  return kinds;
}

function find(
  pattern: Extract<PythonPattern, { kind: 'read' }>,
  line: string,
  source = pattern.source,
): string | null {
  return new RegExp(source, pattern.flags).exec(line)?.[1] ?? null;
}

function isAscii(line: string): boolean {
  return /^[\x00-\x7f]*$/.test(line);
}

function errorOf(answer: Answer | undefined): string {
  return answer !== undefined && 'error' in answer ? answer.error : 'is good';
}

function ourError(pattern: PythonPattern): string {
  return pattern.kind === 'invalid' ? pattern.why : pattern.kind;
}

/** The same numbers each time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function madeUp(next: (below: number) => number, depth: number): string {
  const atoms = [
    'a',
    'b',
    '1',
    '.',
    String.raw`\d`,
    String.raw`\w`,
    String.raw`\s`,
    '[ab]',
    '[^a]',
    '^',
    '$',
    String.raw`\b`,
    String.raw`\B`,
    '_',
    ' ',
  ];
  const part = (): string => {
    const inner = (): string => madeUp(next, depth - 1);
    switch (depth === 0 ? 0 : next(9)) {
      case 1:
      case 2:
        return `(${inner()})`;
      case 3:
        return `(?:${inner()})${['*', '+', '?', '{1,2}', '*?', '??'][next(6)] ?? ''}`;
      case 4:
        return `(?:${inner()}|${inner()})`;
      case 5:
        return `(?${['=', '!', '<=', '<!'][next(4)] ?? ''}${inner()})`;
      case 6:
        return `${atoms[next(atoms.length)] ?? ''}${['*', '+', '?', '{2}', '+?'][next(5)] ?? ''}`;
      case 7:
        return `\\${next(2) + 1}`;
      default:
        return atoms[next(atoms.length)] ?? '';
    }
  };
  return Array.from({ length: 1 + next(3) }, part).join('');
}
