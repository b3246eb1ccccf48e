/** How what was made is taken back. */
import { asOptmlError } from '../errors.js';
import type { Reporter } from './reporter.js';

/** What must be taken back, last made first, whatever happened in between. */
export class UndoList {
  readonly #steps: { readonly what: string; readonly undo: () => Promise<void> }[] = [];

  add(what: string, undo: () => Promise<void>): void {
    this.#steps.push({ what, undo });
  }

  get size(): number {
    return this.#steps.length;
  }

  /** Leaves everything as it is. */
  forget(): void {
    this.#steps.length = 0;
  }

  /** Runs every step but the first `kept` ones, also after one that failed; gives what could not be undone and why. */
  async run(kept = 0): Promise<Stuck[]> {
    const failed: Stuck[] = [];
    while (this.#steps.length > kept) {
      const step = this.#steps.pop();
      if (step === undefined) break;
      try {
        await step.undo();
      } catch (thrown) {
        failed.push({ what: step.what, thrown });
      }
    }
    return failed;
  }
}

export interface Stuck {
  readonly what: string;
  readonly thrown: unknown;
}

export function tellOfStuck(reporter: Reporter, { what, thrown }: Stuck): void {
  reporter.say({
    kind: 'note',
    text: `${what} could not be removed (${asOptmlError(thrown).message}). "optml clean" will try again.`,
  });
}
