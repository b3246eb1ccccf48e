/** The order in which S3 lists keys: by the bytes of their UTF-8 form. */

const HAS_SURROGATE = /[\ud800-\udfff]/;

/** Compares as the UTF-8 bytes of the two would. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  // UTF-16 and UTF-8 order differ only where one side has a character beyond U+FFFF.
  if (!HAS_SURROGATE.test(a) && !HAS_SURROGATE.test(b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Merges sorted sequences into one; of equal keys, the one of the earlier sequence wins. */
export async function* mergeByKey<T extends { readonly key: string }>(
  sources: readonly AsyncIterable<T>[],
): AsyncGenerator<T> {
  const iterators = sources.map(source => source[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map(iterator => iterator.next()));
    for (;;) {
      let least: T | undefined;
      for (const head of heads)
        if (head.done !== true && (least === undefined || compareKeys(head.value.key, least.key) < 0))
          least = head.value;
      if (least === undefined) return;
      yield least;
      for (const [index, iterator] of iterators.entries()) {
        const head = heads[index];
        if (head?.done === false && head.value.key === least.key) heads[index] = await iterator.next();
      }
    }
  } finally {
    for (const iterator of iterators) await iterator.return?.();
  }
}
