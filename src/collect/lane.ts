/** Work by name, so much of it at once, in the order in which it came; of one name, never two at a time. */
export class Lane {
  readonly #atOnce: number;
  readonly #waiting = new Map<string, () => Promise<void>>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  has(name: string): boolean {
    return this.#waiting.has(name) || this.#running.has(name);
  }

  /** `work` does not throw. Of what waits under one name, the last counts. */
  add(name: string, work: () => Promise<void>): void {
    this.#waiting.set(name, work);
    this.#start();
  }

  /** When nothing waits and nothing runs. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /** What waits is dropped. */
  async close(): Promise<void> {
    this.#waiting.clear();
    await this.settled();
  }

  #start(): void {
    for (const [name, work] of this.#waiting) {
      if (this.#running.size >= this.#atOnce) return;
      if (this.#running.has(name)) continue;
      this.#waiting.delete(name);
      const running = work().finally(() => {
        this.#running.delete(name);
        this.#start();
      });
      this.#running.set(name, running);
    }
  }
}
