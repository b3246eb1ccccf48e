import { expect, test } from 'vitest';
import { formatBytes, formatDuration, safeLine } from '../../src/faces/terminal/format.js';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1024, '1.0 KB'],
  [1_500_000, '1.4 MB'],
  [5 * 1024 ** 4, '5.0 TB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [40, '0.0 s'],
  [12_340, '12.3 s'],
  [185_000, '3 min 05 s'],
  [7_800_000, '2 h 10 min'],
])('%d ms are %s', (time, text) => {
  expect(formatDuration(time)).toBe(text);
});

test.each([
  ['plain', false, 'plain'],
  ['a\tb', false, 'a\tb'],
  ['10%\r20%\r30%', false, '30%'],
  ['done\r', false, 'done'],
  ['\u001b[31mred\u001b[0m', true, '\u001b[31mred\u001b[0m'],
  ['\u001b[31mred\u001b[0m', false, 'red'],
  ['\u001b[2J\u001b[Hgone', true, 'gone'],
  ['\u001b]0;a title\u0007text', true, 'text'],
  ['\u001b]8;;http://evil\u001b\\link', true, 'link'],
  ['\u009b31mC1', true, '31mC1'],
  ['bell\u0007', true, 'bell'],
])('%j with colours %s shows as %j', (line, colors, shown) => {
  expect(safeLine(line, colors)).toBe(shown);
});
