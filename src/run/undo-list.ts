/** What must be taken back, last made first, whatever happened in between. */
export class UndoList {
  readonly #steps: { readonly what: string; readonly undo: () => Promise<void> }[] = [];

  add(what: string, undo: () => Promise<void>): void {
    this.#steps.push({ what, undo });
  }

  /** Leaves everything as it is. */
  forget(): void {
    this.#steps.length = 0;
  }

  /** Runs every step, also after one that failed; gives what could not be undone and why. */
  async run(): Promise<{ readonly what: string; readonly thrown: unknown }[]> {
    const failed: { what: string; thrown: unknown }[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (thrown) {
        failed.push({ what: step.what, thrown });
      }
    }
    return failed;
  }
}
