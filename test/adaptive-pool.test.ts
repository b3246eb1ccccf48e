import { expect, test } from 'vitest';
import { forEachAtOnce } from '../src/adaptive-pool.js';

const NEVER = new AbortController().signal;

async function* numbers(count: number): AsyncGenerator<number> {
  for (let number = 0; number < count; number += 1) yield number;
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test.each([0, 1, 63, 64, 65, 5000])('each of %d items is done once', async count => {
  const seen: number[] = [];
  await forEachAtOnce(numbers(count), {
    signal: NEVER,
    act: async item => {
      await turn();
      seen.push(item);
    },
  });
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
});

test('more than 64 and never more than 256 are under way at once, and items are asked for only when there is a place', async () => {
  let asked = 0;
  let running = 0;
  let most = 0;
  let ahead = 0;
  async function* counted(): AsyncGenerator<number> {
    for await (const item of numbers(20_000)) {
      asked += 1;
      yield item;
    }
  }
  let done = 0;
  await forEachAtOnce(counted(), {
    signal: NEVER,
    act: async () => {
      running += 1;
      most = Math.max(most, running);
      ahead = Math.max(ahead, asked - done - running);
      // The more are under way, the more come back at a turn of the loop: as with a far server.
      await turn();
      running -= 1;
      done += 1;
    },
  });
  expect(most).toBeGreaterThanOrEqual(64);
  expect(most).toBeLessThanOrEqual(256);
  expect(ahead).toBeLessThanOrEqual(1);
});

test('the first error is thrown when everything has come to rest, and nothing more is begun', async () => {
  let running = 0;
  let begun = 0;
  const all = forEachAtOnce(numbers(10_000), {
    signal: NEVER,
    act: async (item, signal) => {
      begun += 1;
      running += 1;
      await turn();
      running -= 1;
      if (item === 100) throw new Error('item 100');
      signal.throwIfAborted();
    },
  });
  await expect(all).rejects.toThrow('item 100');
  expect(running).toBe(0);
  expect(begun).toBeLessThan(300);
});

test('a listing that breaks off is an error, not an end', async () => {
  async function* broken(): AsyncGenerator<number> {
    yield* numbers(10);
    throw new Error('the listing broke off');
  }
  await expect(forEachAtOnce(broken(), { signal: NEVER, act: turn })).rejects.toThrow(
    'the listing broke off',
  );
});

test('a signal ends it with its reason', async () => {
  const stop = new AbortController();
  const all = forEachAtOnce(numbers(10_000), {
    signal: stop.signal,
    act: async item => {
      if (item === 50) stop.abort(new Error('stopped'));
      await turn();
    },
  });
  await expect(all).rejects.toThrow('stopped');
});
