import { expect, test } from 'vitest';
import { fullMatch, matchesJavaPattern } from '../../src/job/java-pattern.js';
import { shapeNamed, shapeNames } from '../../src/job/shape-table.js';

/** A few milliseconds each; what backtracks takes hours. */
const AT_ONCE_MS = 20_000;

const PATTERNS = [
  ...new Set(
    shapeNames().flatMap(name => {
      const shape = shapeNamed(name);
      return shape.type === 'string' && shape.pattern !== undefined ? [shape.pattern] : [];
    }),
  ),
];

test("every pattern of AWS's model has a translation", () => {
  expect(PATTERNS.length).toBeGreaterThan(40);
  for (const pattern of PATTERNS) expect(() => fullMatch(pattern)).not.toThrow();
});

test('a pattern holds for the whole value', () => {
  expect(matchesJavaPattern('[a-z]+', 'abc')).toBe(true);
  expect(matchesJavaPattern('[a-z]+', 'abc1')).toBe(false);
  expect(matchesJavaPattern('[a-z]+', 'abc\n')).toBe(false);
  expect(matchesJavaPattern('a|bc', 'abc')).toBe(false);
});

test("Java's classes are JavaScript's: \\p{Alnum} in ASCII, \\p{L} in every script", () => {
  expect(matchesJavaPattern('arn:[\\p{Alnum}\\-]+', 'arn:Aws-9')).toBe(true);
  expect(matchesJavaPattern('arn:[\\p{Alnum}\\-]+', 'arn:é')).toBe(false);
  expect(matchesJavaPattern('([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)', 'équipe 𝒳 =1')).toBe(true);
});

test('no pattern of the model takes long on any hostile value', () => {
  const heads = [
    '',
    'a',
    's3://',
    'https://',
    'arn:aws:sagemaker:us-east-1:123456789012:',
    'arn:aws:iam::123456789012:role/',
  ];
  const fillers = ['-', 'a', 'a-', '/', ':', '.', 'arn:aws', 'é', ' ', '\n', '0', '_', 's3://a/'];
  const tails = ['', '_', '!', '\n', '-', '\u{1F600}'];
  for (const pattern of PATTERNS)
    for (const filler of fillers)
      for (const head of heads)
        for (const tail of tails) {
          const value = head + filler.repeat(Math.ceil(4000 / filler.length)).slice(0, 4000) + tail;
          const start = performance.now();
          matchesJavaPattern(pattern, value);
          expect(
            performance.now() - start,
            `${pattern} on ${JSON.stringify(value.slice(0, 40))}`,
          ).toBeLessThan(AT_ONCE_MS);
        }
});

test('a megabyte of hyphens in a job name is answered at once', () => {
  const start = performance.now();
  expect(matchesJavaPattern('[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}', `a${'-'.repeat(1_000_000)}_`)).toBe(true);
  expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
});
