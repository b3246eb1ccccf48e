/**
 * Patterns of metrics are Python's (contract §1.15): read as its `re` reads them, then said again for JavaScript, for the search
 * of one line. Pure.
 */
import { checkCaptures } from './captures.js';
import { emitPattern, type JavaScriptPattern } from './emit.js';
import { checkLookBehinds } from './fixed-width.js';
import { parsePattern } from './parse.js';
import { requiredText } from './required-text.js';
import { InvalidPattern, UnsupportedPattern, type Unsupported } from './syntax.js';

export type PythonPattern =
  | ({
      readonly kind: 'read';
      /** A text that every matching line has; empty where none is known. */
      readonly required: string;
      /** How many groups it captures; the first one holds the value of a metric. */
      readonly groups: number;
    } & JavaScriptPattern)
  /** Python refuses it, with this message. */
  | { readonly kind: 'invalid'; readonly why: string }
  /** Python takes it, and JavaScript has nothing like it. */
  | { readonly kind: 'unsupported'; readonly what: Unsupported };

export function readPythonPattern(text: string): PythonPattern {
  try {
    const { root, groups } = parsePattern(text);
    checkLookBehinds(root);
    checkCaptures(root);
    return { kind: 'read', ...emitPattern(root), required: requiredText(root), groups };
  } catch (thrown) {
    if (thrown instanceof InvalidPattern) return { kind: 'invalid', why: thrown.message };
    if (thrown instanceof UnsupportedPattern) return { kind: 'unsupported', what: thrown.what };
    throw thrown;
  }
}
