import { expect, test } from 'vitest';
import { reasonOfExit } from '../../src/report/failure-reason.js';

const exit = (code: number, outOfMemory = false): { code: number; outOfMemory: boolean } => ({
  code,
  outOfMemory,
});

test('exit status 0 is success, whatever the failure file says', () => {
  expect(reasonOfExit(exit(0), 'it failed')).toBeNull();
  expect(reasonOfExit(exit(0, true), null)).toBeNull();
});

test('without a failure file the reason has the exit code only', () => {
  expect(reasonOfExit(exit(1), null)).toBe('AlgorithmError: , exit code: 1');
  expect(reasonOfExit(exit(137), null)).toBe('AlgorithmError: , exit code: 137');
});

test('the failure file gives the reason', () => {
  expect(reasonOfExit(exit(3), 'no data')).toBe('AlgorithmError: no data, exit code: 3');
});

test('memory is the reason only when the kernel took it and the program said nothing else', () => {
  const memory =
    'ClientError: Please use an instance type with more memory, or reduce the size of job data processed on an instance.';
  expect(reasonOfExit(exit(137, true), null)).toBe(memory);
  expect(reasonOfExit(exit(5, true), 'a worker died')).toBe('AlgorithmError: a worker died, exit code: 5');
});

test('the reason is cut at 1,024 characters, and no character is cut in two', () => {
  const reason = reasonOfExit(exit(1), '😀'.repeat(2000)) ?? '';
  expect(Array.from(reason)).toHaveLength(1024);
  expect(reason).not.toMatch(/[\uD800-\uDBFF]$/);
});
