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
  async run(kept = 0): Promise<{ readonly what: string; readonly thrown: unknown }[]> {
    const failed: { what: string; thrown: unknown }[] = [];
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
