/** A request file's text → the plain JSON value in it. JSON and YAML 1.2 both; no limits of AWS are looked at yet. */
import { LineCounter, parseDocument, type ErrorCode } from 'yaml';
import { OptmlError } from '../errors.js';
import { DEEPEST_NESTING, parseJsonText, type Json } from './json-text.js';

/** The members of a request, not checked yet. */
export type RequestDocument = Readonly<Record<string, Json>>;

/** More uses of anchors than this are a bomb, not a request. */
const MOST_ALIASES = 100;

/** Where the library's own words speak of its options, or of YAML's grammar. */
const YAML_FAULTS: Partial<Record<ErrorCode, string>> = {
  DUPLICATE_KEY: 'each key may stand only once in an object',
  MULTIPLE_DOCS: 'a file holds one request, not several documents',
  NON_STRING_KEY: 'keys must be strings',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
  TAB_AS_INDENT: 'tabs cannot indent: use blanks',
  TAG_RESOLVE_FAILED: 'a request has no place for tags',
};

/**
 * Reads a request: as JSON if its first character is `{` or if it is JSON, else as YAML 1.2 with the core schema, where
 * dates and `yes` stay strings. `source` is the file's name, or `-` for stdin; messages begin with it.
 *
 * Errors: `REQUEST_UNREADABLE` with line, column and what was found, for a text that is neither, for two equal keys in
 * one object, for tags and nesting that JSON does not have, and for a value that is not an object.
 */
export function readRequestDocument(text: string, source: string): RequestDocument {
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const name = source === '-' ? 'standard input' : source;
  if (body.trim() === '')
    throw unreadable(
      `${name} is empty: a request as JSON or YAML was expected, beginning with {"TrainingJobName": …}.`,
    );
  const value =
    body.trimStart().startsWith('{') || isJson(body) ? readJson(body, name) : readYaml(body, name);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as RequestDocument;
  throw unreadable(
    `${name} holds ${kindOfValue(value)}, but a request is an object: {"TrainingJobName": …}.`,
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function readJson(text: string, name: string): Json {
  return parseJsonText(text, (offset, expected) => {
    const before = text.slice(0, offset).split(/\r\n|\r|\n/);
    const [line, column] = [before.length, (before.at(-1) ?? '').length + 1];
    throw unreadable(
      `${name}, line ${line}, column ${column}: this is not JSON: expected ${expected}, found ${foundAt(text, offset)}.`,
    );
  });
}

function readYaml(text: string, name: string): Json {
  const lines = new LineCounter();
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}, line ${line}, column ${col}`;
  };
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: true,
      // Off, so that `!!timestamp` and `!!binary`, which have no JSON, are reported instead of made into objects.
      resolveKnownTags: false,
      logLevel: 'error',
    });
    const fault = document.errors[0] ?? document.warnings[0];
    if (fault !== undefined) {
      const [offset] = fault.pos;
      const complaint = YAML_FAULTS[fault.code] ?? sentence(fault.message);
      throw unreadable(
        `${place(offset)}: this is not YAML that a request can be: ${complaint}; found ${foundAt(text, offset)}.`,
      );
    }
    return plainJson(document.toJS({ maxAliasCount: MOST_ALIASES }), 0);
  } catch (thrown) {
    if (thrown instanceof OptmlError) throw thrown;
    // What is left is the library's own limits: too many aliases, nesting that exhausts the stack.
    const reason = thrown instanceof Error ? sentence(thrown.message) : String(thrown);
    throw new OptmlError('REQUEST_UNREADABLE', `${name} is not YAML that a request can be: ${reason}.`, {
      cause: thrown,
    });
  }
}

/** Refuses what YAML has and JSON has not: infinities, `.nan`, and an anchor that holds itself. */
function plainJson(value: unknown, depth: number): Json {
  if (depth > DEEPEST_NESTING) throw new Error(`it is nested more than ${DEEPEST_NESTING} levels deep`);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map(item => plainJson(item, depth + 1));
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainJson(item, depth + 1)]));
  throw new Error(
    `it has a ${typeof value === 'number' ? String(value) : typeof value}, which JSON does not have`,
  );
}

function foundAt(text: string, offset: number): string {
  const rest = text.slice(offset, offset + 200);
  if (rest === '') return 'the end of the text';
  const word = /^(?:"[^"\n\r]{0,30}"?|[\w.+-]{1,30}|[^\n\r])/u.exec(rest)?.[0];
  return word === undefined ? 'the end of the line' : `'${word}'`;
}

function kindOfValue(value: Json): string {
  if (value === null) return 'nothing';
  return Array.isArray(value) ? 'a list' : `the ${typeof value} ${JSON.stringify(value).slice(0, 60)}`;
}

function sentence(message: string): string {
  return message.replace(/\.$/, '').replaceAll('\n', ' ');
}

function unreadable(message: string): OptmlError {
  return new OptmlError('REQUEST_UNREADABLE', message);
}
