/** A pattern of Python's `re`, read. */

export type PatternNode =
  | { readonly kind: 'char'; readonly code: number; readonly fold: boolean }
  /** `.`; with the flag `s`, of a newline too. */
  | { readonly kind: 'any'; readonly newline: boolean }
  | {
      readonly kind: 'set';
      readonly negated: boolean;
      readonly items: readonly SetItem[];
      readonly fold: boolean;
    }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'word-edge'; readonly negated: boolean; readonly ascii: boolean }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly branches: readonly PatternNode[] }
  | {
      readonly kind: 'repeat';
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
      readonly body: PatternNode;
    }
  /** `number` is null for `(?:…)`. */
  | { readonly kind: 'group'; readonly number: number | null; readonly body: PatternNode }
  | {
      readonly kind: 'look';
      readonly behind: boolean;
      readonly negated: boolean;
      readonly body: PatternNode;
    }
  | { readonly kind: 'reference'; readonly number: number; readonly fold: boolean };

export type SetItem =
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  | { readonly kind: 'category'; readonly letter: Category; readonly ascii: boolean };

/** As in `\d`; the capital ones are the others' opposites. */
export type Category = 'd' | 'D' | 's' | 'S' | 'w' | 'W';

export interface Flags {
  readonly fold: boolean;
  readonly dotAll: boolean;
  readonly ascii: boolean;
  readonly verbose: boolean;
}

/** What Python refuses, in its own words. `position` counts characters from 0. */
export class InvalidPattern extends Error {
  constructor(message: string, position?: number) {
    super(position === undefined ? message : `${message} at position ${position}`);
  }
}

/** What Python takes and JavaScript's patterns cannot do. */
export type Unsupported = 'atomic' | 'conditional' | 'named-character' | 'captures' | 'fold';

export class UnsupportedPattern extends Error {
  readonly what: Unsupported;

  constructor(what: Unsupported) {
    super(what);
    this.what = what;
  }
}
