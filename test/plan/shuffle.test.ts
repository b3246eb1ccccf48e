import { expect, test } from 'vitest';
import { shuffledOrder } from '../../src/plan/shuffle.js';

const order = (seed: number, epoch: number, count = 1000): number[] => [
  ...shuffledOrder({ count, seed, epoch }),
];

test('an order has every position once', () => {
  for (const count of [0, 1, 2, 1000])
    expect(order(1, 0, count).sort((a, b) => a - b)).toEqual(
      Array.from({ length: count }, (_, index) => index),
    );
});

test('it is the same for a seed and an epoch, and another for any other', () => {
  expect(order(7, 3)).toEqual(order(7, 3));
  const all = [order(7, 0), order(7, 1), order(8, 0), order(8, 1), order(7 + 2 ** 32, 0), order(0, 0)];
  expect(new Set(all.map(one => one.join())).size).toBe(all.length);
});

test('each position is about as likely to come first as any other', () => {
  const firsts = Array.from({ length: 4000 }, (_, epoch) => order(42, epoch, 4)[0] ?? -1);
  for (let position = 0; position < 4; position += 1) {
    const share = firsts.filter(first => first === position).length / firsts.length;
    expect(share).toBeGreaterThan(0.22);
    expect(share).toBeLessThan(0.28);
  }
});
