import { expect, test } from 'vitest';
import { EXIT_MESSAGE_BYTES, exitMessageOf } from '../../src/report/exit-message.js';

/** As much of a file as is read of it. */
function start(text: string): Buffer {
  return Buffer.from(text).subarray(0, EXIT_MESSAGE_BYTES);
}

test('the message is the file, with its line ends, and the first 1,024 bytes of a longer one', () => {
  expect(exitMessageOf([start('done\n')])).toBe('done\n');
  expect(exitMessageOf([start('x'.repeat(1024))])).toBe('x'.repeat(1024));
  expect(exitMessageOf([start('x'.repeat(5000))])).toBe('x'.repeat(1024));
});

test('a character that the limit cuts is left out; one that the container has cut is no UTF-8', () => {
  expect(exitMessageOf([start(`${'x'.repeat(1023)}ü and more`)])).toBe('x'.repeat(1023));
  expect(exitMessageOf([Buffer.from([0x78, 0xc3])])).toBeNull();
  expect(exitMessageOf([Buffer.from([0xff])])).toBeNull();
});

test('those of several hosts are put together, and then cut', () => {
  expect(exitMessageOf([start('one '), start('two')])).toBe('one two');
  expect(exitMessageOf([start('x'.repeat(1000)), start('y'.repeat(1000))])).toBe(
    'x'.repeat(1000) + 'y'.repeat(24),
  );
});
