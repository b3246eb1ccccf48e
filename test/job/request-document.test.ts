import { describe, expect, test } from 'vitest';
import { OptmlError } from '../../src/errors.js';
import { readRequestDocument } from '../../src/job/request-document.js';

function refusal(text: string, source = 'job.yaml'): string {
  try {
    readRequestDocument(text, source);
  } catch (thrown) {
    if (thrown instanceof OptmlError && thrown.code === 'REQUEST_UNREADABLE') return thrown.message;
    throw thrown;
  }
  throw new Error('the text was read');
}

describe('what is read', () => {
  const request = { TrainingJobName: 'a', HyperParameters: { epochs: '5' }, Tags: [{ Key: 'k', Value: '' }] };

  test('JSON, with a byte order mark and blanks around it too', () => {
    expect(readRequestDocument(`\uFEFF\n ${JSON.stringify(request, null, 2)}\r\n`, 'job.json')).toEqual(
      request,
    );
  });

  test('JSON exactly as JSON.parse reads it', () => {
    const text = String.raw`{"a":"\u00e9\ud83d\ude00\/\n\"\\","b":[-0.5e+3,1E2,0,true,false,null,[],{}],"":{"c":"é"}}`;
    expect(readRequestDocument(text, 'job.json')).toEqual(JSON.parse(text));
  });

  test('the key __proto__ as a member like any other', () => {
    const read = readRequestDocument('{"__proto__": {"a": "1"}, "b": "2"}', 'job.json');
    expect(Object.keys(read)).toEqual(['__proto__', 'b']);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  test('YAML', () => {
    const text = 'TrainingJobName: a\nHyperParameters:\n  epochs: "5"\nTags:\n  - {Key: k, Value: ""}\n';
    expect(readRequestDocument(text, 'job.yaml')).toEqual(request);
  });

  test('YAML 1.2: dates, yes and sexagesimals stay strings; numbers and booleans do not', () => {
    expect(readRequestDocument('a: 2024-01-01\nb: yes\nc: 1:30\nd: 5\ne: true\nf: ~\n', 'job.yaml')).toEqual({
      a: '2024-01-01',
      b: 'yes',
      c: '1:30',
      d: 5,
      e: true,
      f: null,
    });
  });

  test('YAML anchors, used in moderation', () => {
    expect(readRequestDocument('a: &x {S3Uri: s3://b/k}\nb: *x\n', 'job.yaml')).toEqual({
      a: { S3Uri: 's3://b/k' },
      b: { S3Uri: 's3://b/k' },
    });
  });
});

describe('what is refused, with file, line, column and what was found', () => {
  test.each([
    [
      '{"a": 1,}',
      "job.yaml, line 1, column 9: this is not JSON: expected a key in double quotes, found '}'.",
    ],
    [
      '{\n  "a": 1\n  "b": 2\n}',
      `job.yaml, line 3, column 3: this is not JSON: expected a comma or } after the value, found '"b"'.`,
    ],
    [
      '{"a": [1 2]}',
      "job.yaml, line 1, column 10: this is not JSON: expected a comma or ] after the item, found '2'.",
    ],
    ['{"a" 1}', "job.yaml, line 1, column 6: this is not JSON: expected a colon after the key, found '1'."],
    [
      '{"a": 1',
      'job.yaml, line 1, column 8: this is not JSON: expected a comma or } after the value, found the end of the text.',
    ],
    ['{"a": 01}', "job.yaml, line 1, column 7: this is not JSON: expected a value of JSON, found '01'."],
    ['{"a": nil}', "job.yaml, line 1, column 7: this is not JSON: expected a value of JSON, found 'nil'."],
    ["{'a': 1}", "job.yaml, line 1, column 2: this is not JSON: expected a key in double quotes, found '''."],
    [
      '{"a": "x\ny"}',
      'job.yaml, line 1, column 9: this is not JSON: expected a closing double quote, found the end of the line.',
    ],
    [
      String.raw`{"a": "b\x"}`,
      String.raw`job.yaml, line 1, column 9: this is not JSON: expected an escape that JSON knows, found '\'.`,
    ],
    [
      '{"a": 1} b',
      "job.yaml, line 1, column 10: this is not JSON: expected nothing more after the value, found 'b'.",
    ],
    [
      '{"a": {"b": 1,\n "b": 2}}',
      `job.yaml, line 2, column 2: this is not JSON: expected each key only once in an object, found '"b"'.`,
    ],
    [
      'a: 1\nb: 2\na: 3\n',
      "job.yaml, line 3, column 1: this is not YAML that a request can be: each key may stand only once in an object; found 'a'.",
    ],
    [
      'a:\n\t- b\n',
      "job.yaml, line 2, column 1: this is not YAML that a request can be: tabs cannot indent: use blanks; found '\t'.",
    ],
    [
      'a: !!binary aGk=\n',
      "job.yaml, line 1, column 4: this is not YAML that a request can be: a request has no place for tags; found '!'.",
    ],
    [
      'a: 1\n---\nb: 2\n',
      "job.yaml, line 2, column 1: this is not YAML that a request can be: a file holds one request, not several documents; found '---'.",
    ],
    [
      '? [a]\n: b\n',
      "job.yaml, line 1, column 3: this is not YAML that a request can be: keys must be strings; found '['.",
    ],
    ['a: .nan\n', 'job.yaml is not YAML that a request can be: it has a NaN, which JSON does not have.'],
    ['a: &x {b: *x}\n', 'job.yaml is not YAML that a request can be: it is nested more than 64 levels deep.'],
    ['', 'job.yaml is empty: a request as JSON or YAML was expected, beginning with {"TrainingJobName": …}.'],
    [' \n# nothing\n', 'job.yaml holds nothing, but a request is an object: {"TrainingJobName": …}.'],
    ['[{"a": 1}]', 'job.yaml holds a list, but a request is an object: {"TrainingJobName": …}.'],
    ['- a\n', 'job.yaml holds a list, but a request is an object: {"TrainingJobName": …}.'],
    [
      'just words\n',
      'job.yaml holds the string "just words", but a request is an object: {"TrainingJobName": …}.',
    ],
    ['42', 'job.yaml holds the number 42, but a request is an object: {"TrainingJobName": …}.'],
  ])('%j', (text, message) => {
    expect(refusal(text)).toBe(message);
  });

  test('standard input is called by its name', () => {
    expect(refusal('{', '-')).toMatch(/^standard input, line 1, column 2: /);
  });

  test('a bomb of aliases, at once', () => {
    const level = (name: string, of: string): string =>
      `${name}: &${name} [${Array(9).fill(of).join(', ')}]\n`;
    const bomb = `${level('a', '1')}${level('b', '*a')}${level('c', '*b')}${level('d', '*c')}${level('e', '*d')}`;
    expect(refusal(bomb)).toMatch(/^job\.yaml is not YAML that a request can be: Excessive alias count/);
  });

  test.each([
    ['JSON', '{"a":'.repeat(100_000)],
    ['a YAML list', '['.repeat(100_000)],
    ['YAML blocks', Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')],
  ])('nesting without end: %s', (_, text) => {
    expect(refusal(text)).toMatch(/levels of nesting|nested too deeply|levels deep|call stack/);
  });
});
