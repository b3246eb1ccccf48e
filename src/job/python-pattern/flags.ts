/** Inline flags, as in `(?i)` and `(?s-x:…)`. */
import type { Reader } from './reader.js';
import type { Flags } from './syntax.js';

/** `m` changes nothing in one line; `u` is how text is read anyway. */
const LETTERS = 'aimsuxL';

export interface ChangedFlags {
  readonly scope: 'pattern' | 'group';
  readonly flags: Flags;
}

/** `(?` and the first character have been taken. */
export function readFlags(reader: Reader, first: string, before: Flags): ChangedFlags {
  if (first !== '-' && !LETTERS.includes(first)) throw reader.error(`unknown extension ?${first}`, 2);
  const on = new Set<string>();
  const off = new Set<string>();
  let character: string | undefined = first;
  for (; character !== ')' && character !== '-' && character !== ':'; character = reader.take()) {
    check(reader, character, 'missing -, : or )');
    if (character === 'L') throw reader.error("bad inline flags: cannot use 'L' flag with a str pattern");
    on.add(character);
    if (on.has('a') && on.has('u'))
      throw reader.error("bad inline flags: flags 'a', 'u' and 'L' are incompatible");
  }
  if (character === '-') {
    character = reader.take();
    check(reader, character, 'missing flag');
    for (; character !== ':'; character = reader.take()) {
      check(reader, character, 'missing :');
      if ('auL'.includes(character))
        throw reader.error("bad inline flags: cannot turn off flags 'a', 'u' and 'L'");
      off.add(character);
    }
    if ([...on].some(one => off.has(one))) throw reader.error('bad inline flags: flag turned on and off', 1);
  }
  return { scope: character === ':' ? 'group' : 'pattern', flags: changed(before, { on, off }) };
}

function check(reader: Reader, character: string | undefined, missing: string): asserts character is string {
  if (character === undefined) throw reader.error(missing);
  if (!LETTERS.includes(character))
    throw reader.error(/^\p{L}$/u.test(character) ? 'unknown flag' : missing, 1);
}

function changed(
  before: Flags,
  { on, off }: { readonly on: ReadonlySet<string>; readonly off: ReadonlySet<string> },
): Flags {
  const now = (letter: string, was: boolean): boolean => on.has(letter) || (was && !off.has(letter));
  return {
    fold: now('i', before.fold),
    dotAll: now('s', before.dotAll),
    ascii: on.has('a') || (before.ascii && !on.has('u')),
    verbose: now('x', before.verbose),
  };
}
