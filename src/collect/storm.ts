/** Whether so much is written that who writes it should be left alone: to upload beside it would take its disk and its cores. */

/** So many changes between two looks are a storm. */
const CHANGES = 200;
/** One that lasts longer is how this job writes. */
const LONGEST_MS = 10_000;

export class Storm {
  #changes = 0;
  #calm = performance.now();

  notice(): void {
    this.#changes += 1;
  }

  /** Since the last look. */
  get rages(): boolean {
    return this.#changes > CHANGES && performance.now() - this.#calm < LONGEST_MS;
  }

  /** Begins to count anew. True when the look had better be put off. */
  look(): boolean {
    const { rages } = this;
    this.#changes = 0;
    if (!rages) this.#calm = performance.now();
    return rages;
  }
}
