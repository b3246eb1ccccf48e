/** How a running job is told to stop, and what was the first reason. First cause wins. */
export type StopCause = 'user' | 'max-runtime' | 'max-wait';

export class RunControl {
  readonly #stop = new AbortController();
  readonly #kill = new AbortController();
  #cause: StopCause | null = null;

  /** Fires when the job shall end: grace for the container, then upload. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  /** Fires when nothing may be waited for any more: no grace, no upload. */
  get killing(): AbortSignal {
    return this.#kill.signal;
  }

  get cause(): StopCause | null {
    return this.#cause;
  }

  /** Stop*Job, or the end of MaxRuntimeInSeconds or MaxWaitTimeInSeconds. Later causes change nothing. */
  stop(cause: StopCause): void {
    this.#cause ??= cause;
    this.#stop.abort();
  }

  kill(): void {
    this.stop('user');
    this.#kill.abort();
  }
}
