/** Reads a pattern as Python's `re` does for text (3.11), with its errors. */
import { badEscape, commonEscape, octal, readSet } from './escapes.js';
import { readFlags } from './flags.js';
import { Reader } from './reader.js';
import { InvalidPattern, UnsupportedPattern, type Flags, type PatternNode } from './syntax.js';

/** More repetitions are unlimited ones to Python. */
const MAX_REPEAT = 4_294_967_295;

const NO_FLAGS: Flags = { fold: false, dotAll: false, ascii: false, verbose: false };

export interface ParsedPattern {
  readonly root: PatternNode;
  /** How many groups it captures. */
  readonly groups: number;
}

/** Throws InvalidPattern, UnsupportedPattern. */
export function parsePattern(text: string): ParsedPattern {
  const plain = new Parser(text, NO_FLAGS);
  const parsed = plain.parse();
  // `(?x)` holds from the beginning: what stands before it was read without.
  return parsed ?? new Parser(text, { ...NO_FLAGS, verbose: true }).parse() ?? neverTwice();
}

function neverTwice(): never {
  throw new TypeError('a verbose pattern is read once more, not twice');
}

class BecameVerbose extends Error {}

class Parser {
  readonly #reader: Reader;
  readonly #names = new Map<string, number>();
  readonly #open = new Set<number>();
  /** Groups that were there when the outermost look-behind began, which may refer to no others. */
  #beforeLookBehind: number | undefined;
  #groups = 0;
  #global: Flags;

  constructor(text: string, flags: Flags) {
    this.#reader = new Reader(text);
    this.#global = flags;
  }

  /** Undefined when it must be read again as a verbose one. */
  parse(): ParsedPattern | undefined {
    try {
      const root = this.#choice(undefined);
      if (this.#reader.next !== undefined) throw this.#reader.error('unbalanced parenthesis');
      return { root, groups: this.#groups };
    } catch (thrown) {
      if (thrown instanceof BecameVerbose) return undefined;
      throw thrown;
    }
  }

  /** `local`: the flags of the group; the whole pattern's where there is none. */
  #choice(local: Flags | undefined): PatternNode {
    const branches = [this.#sequence(local, local === undefined)];
    while (this.#reader.skip('|')) branches.push(this.#sequence(local, false));
    const [only] = branches;
    return branches.length === 1 && only !== undefined ? only : { kind: 'choice', branches };
  }

  #sequence(local: Flags | undefined, first: boolean): PatternNode {
    const parts: PatternNode[] = [];
    const reader = this.#reader;
    for (;;) {
      const flags = local ?? this.#global;
      const character = reader.next;
      if (character === undefined || character === '|' || character === ')')
        return { kind: 'sequence', parts };
      reader.take();
      if (flags.verbose && /^[ \t\n\r\v\f]$/.test(character)) continue;
      if (flags.verbose && character === '#') {
        while (reader.next !== undefined && reader.take() !== '\n');
        continue;
      }
      if ('*+?{'.includes(character)) this.#repeat(character, parts, flags);
      else if (character === '(') {
        const group = this.#group(flags, first && parts.length === 0);
        if (group !== undefined) parts.push(group);
      } else parts.push(this.#atom(character, flags));
    }
  }

  #atom(character: string, flags: Flags): PatternNode {
    switch (character) {
      case '.':
        return { kind: 'any', newline: flags.dotAll };
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '[':
        return { kind: 'set', ...readSet(this.#reader, flags.ascii), fold: flags.fold };
      case '\\':
        return this.#escape(flags);
      default:
        return { kind: 'char', code: character.codePointAt(0) ?? 0, fold: flags.fold };
    }
  }

  #escape({ fold, ascii }: Flags): PatternNode {
    const reader = this.#reader;
    const common = commonEscape(reader, ascii);
    if (common?.kind === 'range') return { kind: 'char', code: common.from, fold };
    if (common !== undefined) return { kind: 'set', negated: false, items: [common], fold };
    if (reader.skip('A')) return { kind: 'start' };
    if (reader.skip('Z')) return { kind: 'end' };
    if (reader.skip('b')) return { kind: 'word-edge', negated: false, ascii };
    if (reader.skip('B')) return { kind: 'word-edge', negated: true, ascii };
    if (reader.next === '0')
      return { kind: 'char', code: octal(reader, reader.takeWhile(/^[0-7]$/, 3)), fold };
    const digits = reader.takeWhile(/^[0-9]$/, 2);
    if (digits === '') throw badEscape(reader);
    if (/^[0-7]{2}$/.test(digits) && /^[0-7]$/.test(reader.next ?? ''))
      return { kind: 'char', code: octal(reader, digits + (reader.take() ?? '')), fold };
    return this.#reference(Number(digits), { fold, back: digits.length });
  }

  #reference(
    number: number,
    {
      fold,
      back,
      openBack = back + 1,
    }: { readonly fold: boolean; readonly back: number; readonly openBack?: number },
  ): PatternNode {
    if (number > this.#groups) throw this.#reader.error(`invalid group reference ${number}`, back);
    if (this.#open.has(number)) throw this.#reader.error('cannot refer to an open group', openBack);
    if (this.#beforeLookBehind !== undefined && number > this.#beforeLookBehind)
      throw this.#reader.error('cannot refer to group defined in the same lookbehind subpattern');
    return { kind: 'reference', number, fold };
  }

  #repeat(character: string, parts: PatternNode[], { fold }: Flags): void {
    const reader = this.#reader;
    const start = reader.position;
    const range = character === '{' ? this.#braces() : RANGES[character];
    if (range === undefined) {
      reader.position = start;
      parts.push({ kind: 'char', code: 123, fold });
      return;
    }
    const here = reader.position - start + 1;
    const [min, max] = range;
    if (min > max) throw reader.error('min repeat greater than max repeat', here - 1);
    const body = parts.pop();
    if (body === undefined || ['start', 'end', 'word-edge'].includes(body.kind))
      throw reader.error('nothing to repeat', here);
    if (body.kind === 'repeat') throw reader.error('multiple repeat', here);
    const lazy = reader.skip('?');
    if (!lazy && reader.skip('+')) throw new UnsupportedPattern('atomic');
    parts.push({ kind: 'repeat', min, max, lazy, body });
  }

  /** Undefined where a brace is only a brace. */
  #braces(): readonly [number, number] | undefined {
    const reader = this.#reader;
    if (reader.next === '}') return undefined;
    const low = reader.takeWhile(/^[0-9]$/);
    const high = reader.skip(',') ? reader.takeWhile(/^[0-9]$/) : low;
    if (!reader.skip('}')) return undefined;
    const range = [low === '' ? 0 : Number(low), high === '' ? Infinity : Number(high)] as const;
    if (range.some(one => one >= MAX_REPEAT && one !== Infinity))
      throw new InvalidPattern('the repetition number is too large');
    return range;
  }

  /** The parenthesis has been taken. Undefined for what is no part of the match: comments and flags. */
  #group(flags: Flags, first: boolean): PatternNode | undefined {
    const reader = this.#reader;
    const start = reader.position - 1;
    if (!reader.skip('?')) return this.#capture(start, flags);
    const character = reader.take();
    switch (character) {
      case undefined:
        throw reader.error('unexpected end of pattern');
      case 'P':
        return this.#named(start, flags);
      case ':':
        return { kind: 'group', number: null, body: this.#body(start, flags) };
      case '#':
        while (reader.next !== undefined && reader.next !== ')') reader.take();
        if (!reader.skip(')')) throw reader.error('missing ), unterminated comment', reader.position - start);
        return undefined;
      case '=':
      case '!':
        return this.#look(start, { flags, behind: false, negated: character === '!' });
      case '<': {
        const sign = reader.take();
        if (sign === '=' || sign === '!')
          return this.#look(start, { flags, behind: true, negated: sign === '!' });
        if (sign === undefined) throw reader.error('unexpected end of pattern');
        throw reader.error(`unknown extension ?<${sign}`, 3);
      }
      case '(':
        throw new UnsupportedPattern('conditional');
      case '>':
        throw new UnsupportedPattern('atomic');
      default: {
        const changed = readFlags(reader, character, flags);
        if (changed.scope === 'group')
          return { kind: 'group', number: null, body: this.#body(start, changed.flags) };
        if (!first)
          throw reader.error('global flags not at the start of the expression', reader.position - start);
        if (changed.flags.verbose && !this.#global.verbose) throw new BecameVerbose();
        this.#global = changed.flags;
        return undefined;
      }
    }
  }

  #named(start: number, flags: Flags): PatternNode {
    const reader = this.#reader;
    if (reader.skip('=')) {
      const name = this.#name(')');
      const number = this.#names.get(name);
      if (number === undefined) throw reader.error(`unknown group name '${name}'`, name.length + 1);
      return this.#reference(number, { fold: flags.fold, back: name.length + 1, openBack: name.length + 1 });
    }
    if (!reader.skip('<')) {
      const character = reader.take();
      if (character === undefined) throw reader.error('unexpected end of pattern');
      throw reader.error(`unknown extension ?P${character}`, 3);
    }
    const name = this.#name('>');
    const before = this.#names.get(name);
    if (before !== undefined)
      throw reader.error(
        `redefinition of group name '${name}' as group ${this.#groups + 1}; was group ${before}`,
        name.length + 1,
      );
    this.#names.set(name, this.#groups + 1);
    return this.#capture(start, flags);
  }

  #name(end: string): string {
    const name = this.#reader.takeUntil(end, 'group name');
    if (!/^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(name))
      throw this.#reader.error(`bad character in group name '${name}'`, name.length + 1);
    return name;
  }

  #capture(start: number, flags: Flags): PatternNode {
    this.#groups += 1;
    const number = this.#groups;
    this.#open.add(number);
    const body = this.#body(start, flags);
    this.#open.delete(number);
    return { kind: 'group', number, body };
  }

  #look(
    start: number,
    {
      flags,
      behind,
      negated,
    }: { readonly flags: Flags; readonly behind: boolean; readonly negated: boolean },
  ): PatternNode {
    const outer = this.#beforeLookBehind;
    if (behind) this.#beforeLookBehind ??= this.#groups;
    const body = this.#body(start, flags);
    this.#beforeLookBehind = outer;
    return { kind: 'look', behind, negated, body };
  }

  #body(start: number, flags: Flags): PatternNode {
    const body = this.#choice(flags);
    if (!this.#reader.skip(')'))
      throw this.#reader.error('missing ), unterminated subpattern', this.#reader.position - start);
    return body;
  }
}

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  '?': [0, 1],
  '*': [0, Infinity],
  '+': [1, Infinity],
};
