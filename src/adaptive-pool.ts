/**
 * Does something for every item with as many at once as pays: a store nearby is busy with a few dozen transfers, one with
 * thirty milliseconds to every answer wants hundreds. So the width is doubled while this process mostly waits, as long as
 * the rate rises with it.
 */

const FIRST_WIDTH = 64;
const LAST_WIDTH = 256;

/** So many items for each that is under way tell the rate of a width. */
const ROUNDS = 3;

/** A process that is busy for more of its time than this does no more by having more under way. */
const BUSY = 0.75;

/** A width that brings less than this is not worth its memory. */
const WORTH = 1.15;

/**
 * Items are asked for only when there is a place for them. Returns when all that was begun has come to rest; then throws
 * the first error, after which nothing further is begun.
 */
export async function forEachAtOnce<T>(
  items: AsyncIterable<T>,
  {
    signal,
    act,
  }: { readonly signal: AbortSignal; readonly act: (item: T, signal: AbortSignal) => Promise<void> },
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  const own = new AbortController();
  const all = AbortSignal.any([signal, own.signal]);
  const width = startWidth();
  const workers: Promise<void>[] = [];
  let failed: { readonly thrown: unknown } | undefined;

  const work = async (): Promise<void> => {
    try {
      while (!all.aborted) {
        const next = await iterator.next();
        if (next.done === true) return;
        await act(next.value, all);
        const more = width.finished();
        for (let count = 0; count < more; count += 1) workers.push(work());
      }
    } catch (thrown) {
      failed ??= { thrown };
      own.abort();
    }
  };

  for (let count = 0; count < FIRST_WIDTH; count += 1) workers.push(work());
  // Workers may join while others are waited for.
  for (let index = 0; index < workers.length; index += 1) await workers[index];
  await iterator.return?.();
  if (failed !== undefined) throw failed.thrown;
  signal.throwIfAborted();
}

/** Tells after each item how many more workers are worth a try. */
function startWidth(): { finished: () => number } {
  let width = FIRST_WIDTH;
  let count = 0;
  let since = performance.now();
  let loop = performance.eventLoopUtilization();
  let before = 0;
  let growing = true;
  return {
    finished() {
      count += 1;
      if (!growing || count < ROUNDS * width) return 0;
      const rate = count / (performance.now() - since);
      const { utilization } = performance.eventLoopUtilization(loop);
      growing = width < LAST_WIDTH && utilization < BUSY && rate > before * WORTH;
      if (!growing) return 0;
      const more = width;
      before = rate;
      width += more;
      count = 0;
      since = performance.now();
      loop = performance.eventLoopUtilization();
      return more;
    },
  };
}
