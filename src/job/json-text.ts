/**
 * Reads JSON and says exactly what is wrong with it. `JSON.parse` keeps the last of two equal keys without a word and
 * reports positions in a text that changes with the engine; a request deserves both.
 */

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Called at the first fault: where it is (an offset into the text), and what was expected there. It must throw. */
export type OnFault = (offset: number, expected: string) => never;

/** A request's own depth is about ten; more than this is a mistake or an attack on the stack. */
export const DEEPEST_NESTING = 64;

interface Cursor {
  readonly text: string;
  at: number;
  depth: number;
  readonly fault: OnFault;
}

/** The value of a JSON text (RFC 8259), refusing two equal keys in one object and nesting beyond `DEEPEST_NESTING`. */
export function parseJsonText(text: string, fault: OnFault): Json {
  const cursor: Cursor = { text, at: 0, depth: 0, fault };
  const value = readValue(cursor);
  skipBlanks(cursor);
  if (cursor.at < text.length) fault(cursor.at, 'nothing more after the value');
  return value;
}

function readValue(cursor: Cursor): Json {
  skipBlanks(cursor);
  const next = cursor.text[cursor.at];
  if (next === '{') return nested(cursor, readObject);
  if (next === '[') return nested(cursor, readArray);
  if (next === '"') return readString(cursor);
  return readWord(cursor);
}

function nested<T>(cursor: Cursor, read: (cursor: Cursor) => T): T {
  cursor.depth += 1;
  if (cursor.depth > DEEPEST_NESTING) cursor.fault(cursor.at, `at most ${DEEPEST_NESTING} levels of nesting`);
  const value = read(cursor);
  cursor.depth -= 1;
  return value;
}

function readObject(cursor: Cursor): Json {
  const entries = new Map<string, Json>();
  cursor.at += 1;
  if (taken(cursor, '}')) return {};
  do {
    skipBlanks(cursor);
    const keyAt = cursor.at;
    if (cursor.text[keyAt] !== '"') cursor.fault(keyAt, 'a key in double quotes');
    const key = readString(cursor);
    if (entries.has(key)) cursor.fault(keyAt, 'each key only once in an object');
    if (!taken(cursor, ':')) cursor.fault(cursor.at, 'a colon after the key');
    entries.set(key, readValue(cursor));
  } while (taken(cursor, ','));
  if (!taken(cursor, '}')) cursor.fault(cursor.at, 'a comma or } after the value');
  // Not by assignment: `__proto__` is a key like any other.
  return Object.fromEntries(entries);
}

function readArray(cursor: Cursor): Json {
  const items: Json[] = [];
  cursor.at += 1;
  if (taken(cursor, ']')) return items;
  do {
    items.push(readValue(cursor));
  } while (taken(cursor, ','));
  if (!taken(cursor, ']')) cursor.fault(cursor.at, 'a comma or ] after the item');
  return items;
}

function readString(cursor: Cursor): string {
  const start = cursor.at;
  let at = start + 1;
  for (;;) {
    const letter = cursor.text[at];
    if (letter === '"') break;
    if (letter === undefined || letter < ' ') return cursor.fault(at, 'a closing double quote');
    at += letter === '\\' ? 2 : 1;
  }
  cursor.at = at + 1;
  const literal = cursor.text.slice(start, cursor.at);
  try {
    return JSON.parse(literal) as string;
  } catch {
    return cursor.fault(start + badEscape(literal), 'an escape that JSON knows');
  }
}

function badEscape(literal: string): number {
  const good = /^(?:[^\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*/.exec(literal);
  return good?.[0].length ?? 0;
}

const WORD = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function readWord(cursor: Cursor): Json {
  WORD.lastIndex = cursor.at;
  const word = WORD.exec(cursor.text)?.[0];
  const end = cursor.at + (word?.length ?? 0);
  // `tru`, `01` and `truest` are no words of JSON, however they begin.
  if (word === undefined || /[\w.+-]/.test(cursor.text[end] ?? ''))
    return cursor.fault(cursor.at, 'a value of JSON');
  cursor.at = end;
  return JSON.parse(word) as Json;
}

function taken(cursor: Cursor, mark: string): boolean {
  skipBlanks(cursor);
  if (cursor.text[cursor.at] !== mark) return false;
  cursor.at += 1;
  return true;
}

function skipBlanks(cursor: Cursor): void {
  while (/[ \t\n\r]/.test(cursor.text[cursor.at] ?? '')) cursor.at += 1;
}
