/**
 * The order of a channel's objects under ShuffleConfig: new for every epoch, the same for every host and every run with the
 * same seed. How SageMaker comes from its seed to an order is not known (contract §1.6): this one is optml's. Pure.
 */

/** The positions `0 … count-1` of a listing, in the order of this epoch. */
export function shuffledOrder({
  count,
  seed,
  epoch,
}: {
  readonly count: number;
  readonly seed: number;
  readonly epoch: number;
}): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  const random = randomFrom(seed, epoch);
  // Fisher and Yates.
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const moved = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = moved;
  }
  return order;
}

/** Numbers in [0, 1): SplitMix32 over a mixture of both, so that neighbouring seeds and epochs have nothing in common. */
function randomFrom(seed: number, epoch: number): () => number {
  let state = mix(mix(seed >>> 0) ^ mix(Math.floor(seed / 2 ** 32) + 0x632be5ab) ^ mix(epoch + 0x9e3779b9));
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return mix(state) / 2 ** 32;
  };
}

function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
