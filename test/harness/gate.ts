/** Holds requests where a test wants them, and says when one has come: a phase of a job lasts as long as the test needs it. */

export interface Held {
  /** The first matching request is here and waits. */
  readonly reached: Promise<void>;
  /** Lets it and all later ones through. */
  release(): void;
}

export interface Gate {
  /** `line` is `METHOD path?query`. */
  hold(line: RegExp): Held;
  /** For the server: returns when the request may go on. */
  pass(line: string): Promise<void>;
}

interface Bar {
  readonly pattern: RegExp;
  readonly opened: Promise<void>;
  readonly reach: () => void;
}

export function createGate(): Gate {
  const bars = new Set<Bar>();
  return {
    hold(pattern) {
      const reached = deferred();
      const opened = deferred();
      const bar = { pattern, opened: opened.promise, reach: reached.resolve };
      bars.add(bar);
      return {
        reached: reached.promise,
        release() {
          bars.delete(bar);
          opened.resolve();
        },
      };
    },
    async pass(line) {
      for (const bar of bars)
        if (bar.pattern.test(line)) {
          bar.reach();
          await bar.opened;
        }
    },
  };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>(done => (resolve = done));
  return { promise, resolve };
}
