/** Waiting for a signal without adding a listener a transfer: a job's one signal guards hundreds of them. */

const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Runs `action` when the signal fires, which it must not have done yet. Returns what calls that off. */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  const actions = waiting.get(signal) ?? listen(signal);
  actions.add(action);
  return () => void actions.delete(action);
}

function listen(signal: AbortSignal): Set<() => void> {
  const actions = new Set<() => void>();
  waiting.set(signal, actions);
  signal.addEventListener(
    'abort',
    () => {
      for (const action of [...actions]) action();
    },
    { once: true },
  );
  return actions;
}

/** Resolves after so many milliseconds; rejects with the signal's reason when that fires first. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      rejectWith(reject, signal.reason);
      return;
    }
    const timer = setTimeout(() => {
      callOff();
      resolve();
    }, milliseconds);
    const callOff = onAbort(signal, () => {
      clearTimeout(timer);
      rejectWith(reject, signal.reason);
    });
  });
}

/** The reason may be anything that the one who aborts chose; it goes on as it is. */
export function rejectWith(reject: (reason: Error) => void, reason: unknown): void {
  reject(reason as Error);
}
