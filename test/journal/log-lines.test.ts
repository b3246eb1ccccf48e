import { expect, test } from 'vitest';
import { escapeControls, lineSplitter } from '../../src/journal/log-lines.js';

test('lines come whole, however the bytes come', () => {
  const splitter = lineSplitter();
  const bytes = Buffer.from('äöü one\ntwo\n\nlast without end');
  const lines = [...bytes].flatMap(byte => splitter.push(Buffer.from([byte])));
  expect([...lines, ...splitter.end()]).toEqual(['äöü one', 'two', '', 'last without end']);
});

test('a line without an end is handed over in parts', () => {
  const splitter = lineSplitter();
  const lines = Array.from({ length: 10 }, () => splitter.push(Buffer.alloc(100_000, 'a'))).flat();
  const all = [...lines, ...splitter.end()];
  expect(all.length).toBeGreaterThan(3);
  expect(all.join('')).toHaveLength(1_000_000);
  expect(Math.max(...all.map(line => line.length))).toBeLessThanOrEqual(256 * 1024);
});

test('control characters are escaped as in the platform’s logs', () => {
  expect(escapeControls('a\tb\rc\u001b[31m\b')).toBe('a#011b#015c#033[31m#010');
  expect(escapeControls('ünï 😀')).toBe('ünï 😀');
});
