/** The characters of a pattern, one after another. */
import { InvalidPattern } from './syntax.js';

export class Reader {
  readonly #characters: readonly string[];
  position = 0;

  constructor(text: string) {
    this.#characters = Array.from(text);
  }

  get next(): string | undefined {
    return this.#characters[this.position];
  }

  take(): string | undefined {
    const character = this.next;
    if (character !== undefined) this.position += 1;
    return character;
  }

  /** Takes it when it is the next one. */
  skip(character: string): boolean {
    if (this.next !== character) return false;
    this.position += 1;
    return true;
  }

  /** Takes up to `limit` characters of the kind. */
  takeWhile(kind: RegExp, limit = Infinity): string {
    let taken = '';
    while (taken.length < limit && this.next !== undefined && kind.test(this.next))
      taken += this.take() ?? '';
    return taken;
  }

  /** Takes up to the end mark, which is taken too. `what` is for Python's error. */
  takeUntil(end: string, what: string): string {
    const start = this.position;
    let taken = '';
    for (;;) {
      const character = this.take();
      if (character === undefined)
        throw taken === ''
          ? new InvalidPattern(`missing ${what}`, start)
          : new InvalidPattern(`missing ${end}, unterminated name`, start);
      if (character === end) break;
      taken += character;
    }
    if (taken === '') throw new InvalidPattern(`missing ${what}`, start);
    return taken;
  }

  /** What was taken from there on. */
  since(position: number): string {
    return this.#characters.slice(position, this.position).join('');
  }

  /** `back`: how many characters before the next one the fault begins. */
  error(message: string, back = 0): InvalidPattern {
    return new InvalidPattern(message, this.position - back);
  }
}
