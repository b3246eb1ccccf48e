/** What is done once when a signal fires, and can be waited for. */

/** `settled` waits for it when it was begun, and stops listening. */
export function onAbort(signal: AbortSignal, act: () => void | Promise<void>): { settled(): Promise<void> } {
  let begun: Promise<void> = Promise.resolve();
  const listener = (): void => {
    begun = Promise.resolve(act());
    // Heard when `settled` is asked; a stop that the engine refuses shows as a container that does not end.
    begun.catch(() => undefined);
  };
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return {
    settled() {
      signal.removeEventListener('abort', listener);
      return begun;
    },
  };
}
