/** What stands behind a backslash, and what stands between brackets, as Python reads them. */
import type { Reader } from './reader.js';
import { UnsupportedPattern, type Category, type SetItem } from './syntax.js';

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };

/** The escapes that mean the same inside and outside brackets; the backslash has been taken. Undefined for others. */
export function commonEscape(reader: Reader, ascii: boolean): SetItem | undefined {
  const letter = reader.next;
  if (letter === undefined) throw reader.error('bad escape (end of pattern)', 1);
  const control = CONTROLS[letter];
  if (control !== undefined) {
    reader.take();
    return single(control);
  }
  if (/^[dDsSwW]$/.test(letter)) {
    reader.take();
    return { kind: 'category', letter: letter as Category, ascii };
  }
  const digits = { x: 2, u: 4, U: 8 }[letter];
  if (digits !== undefined) {
    reader.take();
    return single(hexadecimal(reader, letter, digits));
  }
  if (letter === 'N') throw new UnsupportedPattern('named-character');
  if (/^[A-Za-z]$/.test(letter) || /^[0-9]$/.test(letter)) return undefined;
  reader.take();
  return single(letter.codePointAt(0) ?? 0);
}

export function badEscape(reader: Reader): Error {
  return reader.error(`bad escape \\${reader.next ?? ''}`, 1);
}

/** Of a number with a leading zero or of three digits. */
export function octal(reader: Reader, text: string): number {
  const code = Number.parseInt(text, 8);
  if (code > 0o377)
    throw reader.error(`octal escape value \\${text} outside of range 0-0o377`, text.length + 1);
  return code;
}

/** `[…]`; the bracket has been taken. */
export function readSet(reader: Reader, ascii: boolean): { negated: boolean; items: SetItem[] } {
  const start = reader.position - 1;
  const negated = reader.skip('^');
  const items: SetItem[] = [];
  for (;;) {
    const from = reader.position;
    if (reader.next === ']' && items.length > 0) {
      reader.take();
      return { negated, items };
    }
    const low = setMember(reader, ascii, start);
    if (!reader.skip('-')) {
      items.push(low);
      continue;
    }
    if (reader.next === undefined) throw unterminated(reader, start);
    if (reader.skip(']')) return { negated, items: [...items, low, single(45)] };
    const high = setMember(reader, ascii, start);
    if (low.kind !== 'range' || high.kind !== 'range' || high.from < low.from)
      throw reader.error(`bad character range ${reader.since(from)}`, reader.position - from);
    items.push({ kind: 'range', from: low.from, to: high.to });
  }
}

function setMember(reader: Reader, ascii: boolean, start: number): SetItem {
  const character = reader.take();
  if (character === undefined) throw unterminated(reader, start);
  if (character !== '\\') return single(character.codePointAt(0) ?? 0);
  const common = commonEscape(reader, ascii);
  if (common !== undefined) return common;
  if (reader.skip('b')) return single(8);
  if (/^[0-7]$/.test(reader.next ?? '')) return single(octal(reader, reader.takeWhile(/^[0-7]$/, 3)));
  throw badEscape(reader);
}

function unterminated(reader: Reader, start: number): Error {
  return reader.error('unterminated character set', reader.position - start);
}

function hexadecimal(reader: Reader, letter: string, digits: number): number {
  const text = reader.takeWhile(/^[0-9A-Fa-f]$/, digits);
  const code = Number.parseInt(text, 16);
  if (text.length < digits) throw reader.error(`incomplete escape \\${letter}${text}`, text.length + 2);
  if (code > 0x10ffff) throw reader.error(`bad escape \\${letter}${text}`, text.length + 2);
  return code;
}

export function single(code: number): SetItem {
  return { kind: 'range', from: code, to: code };
}
