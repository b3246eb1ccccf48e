/** MaxRuntimeInSeconds and MaxWaitTimeInSeconds over several starts (contract §1.11). */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startClocks } from '../../src/run/clocks.js';
import { RunControl } from '../../src/run/control.js';
import { planOf } from '../plan/plans.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function clocksOf(MaxRuntimeInSeconds: number, MaxWaitTimeInSeconds: number | null) {
  const spot =
    MaxWaitTimeInSeconds === null
      ? { StoppingCondition: { MaxRuntimeInSeconds } }
      : {
          StoppingCondition: { MaxRuntimeInSeconds, MaxWaitTimeInSeconds },
          EnableManagedSpotTraining: true,
        };
  const control = new RunControl();
  return { control, clocks: startClocks({ plan: planOf(spot), control }) };
}

test('the runtime counts the time on instances, over all starts', () => {
  const { control, clocks } = clocksOf(10, 100);
  clocks.haveInstances();
  vi.advanceTimersByTime(6_000);
  clocks.haveNone();
  vi.advanceTimersByTime(50_000);
  clocks.haveInstances();
  vi.advanceTimersByTime(3_999);
  expect(control.cause).toBeNull();
  vi.advanceTimersByTime(1);
  expect(control.cause).toBe('max-runtime');
  clocks.stop();
});

test('the wait counts on without instances', () => {
  const { control, clocks } = clocksOf(10, 12);
  clocks.haveInstances();
  vi.advanceTimersByTime(6_000);
  clocks.haveNone();
  vi.advanceTimersByTime(5_000);
  clocks.haveInstances();
  vi.advanceTimersByTime(999);
  expect(control.cause).toBeNull();
  vi.advanceTimersByTime(1);
  expect(control.cause).toBe('max-wait');
  clocks.stop();
});

test('where both end at once, the job has run for as long as it may', () => {
  const { control, clocks } = clocksOf(10, 10);
  clocks.haveInstances();
  vi.advanceTimersByTime(10_000);
  expect(control.cause).toBe('max-runtime');
  clocks.stop();
});

test('clocks that are stopped stop nothing', () => {
  const { control, clocks } = clocksOf(10, null);
  clocks.haveInstances();
  clocks.stop();
  vi.advanceTimersByTime(100_000);
  expect(control.cause).toBeNull();
});
