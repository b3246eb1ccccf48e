/** How the hosts of a running job end, and which of them failed first. */
import type { HostExit } from '../engine/port.js';
import { asOptmlError, type OptmlError } from '../errors.js';

export type HostEnd =
  | ({ readonly host: string } & HostExit)
  /** Somebody else removed it: it has ended as others do, and what it wrote is still there to be collected. */
  | { readonly host: string; readonly lost: OptmlError };

/** First cause wins: what a host does after a stop or an interruption, or after another has failed, is no failure of its own. */
export class HostEnds {
  readonly #failing = new AbortController();
  readonly #isExcused: () => boolean;
  #failed: HostEnd | null = null;

  /** `isExcused`: what a host does from then on is no failure of its own. */
  constructor(isExcused: () => boolean) {
    this.#isExcused = isExcused;
  }

  /** Fires when the first host has failed: one that ends well waits for the others (contract §1.10). */
  get failing(): AbortSignal {
    return this.#failing.signal;
  }

  get failed(): HostEnd | null {
    return this.#failed;
  }

  /** The end of one host, when it comes. Throws what the loss of the engine throws. */
  async of(host: string, ended: Promise<HostExit>): Promise<HostEnd> {
    const end = await ended.then(exit => ({ host, ...exit }), lostAlone(host));
    if (this.#failed === null && !this.#isExcused() && !('code' in end && end.code === 0)) {
      this.#failed = end;
      this.#failing.abort();
    }
    return end;
  }
}

function lostAlone(host: string): (thrown: unknown) => HostEnd {
  return thrown => {
    const error = asOptmlError(thrown);
    if (error.code !== 'CONTAINER_LOST') throw error;
    return { host, lost: error };
  };
}
