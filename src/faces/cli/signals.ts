/** Signals to a run: the first is Stop*Job, the second kills (design §2). */
import type { RunControl } from '../../run/control.js';

/** A terminal signals the whole group, and wrappers pass it on: what comes together is one press. */
const ONE_PRESS_MS = 250;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Presses {
  /** How often the user has asked. */
  readonly count: number;
  /** The job that the next press is meant for. */
  watch(control: RunControl): void;
  /** No job is left to press for: what comes now ends the process, with the exit status that it has. */
  release(): void;
}

export function listenToSignals(onPress: (count: number) => void): Presses {
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  let control: RunControl | undefined;
  let released = false;
  const press = (): void => {
    if (released) process.exit();
    const now = performance.now();
    if (now - last < ONE_PRESS_MS) return;
    last = now;
    count += 1;
    if (count === 1) control?.stop('user');
    else control?.kill();
    onPress(count);
  };
  for (const signal of SIGNALS) process.on(signal, press);
  return {
    get count() {
      return count;
    },
    watch: next => {
      control = next;
    },
    release: () => {
      released = true;
    },
  };
}
