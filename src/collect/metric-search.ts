/**
 * Finds the last value of each metric in a log. Only the last one counts, so texts are searched from their end, and a metric
 * that has been found is not looked for before that. A pattern that needs a certain text is only tried where that stands.
 */
import type { MetricValue } from './metrics.js';

export interface SearchedMetric {
  readonly name: string;
  readonly source: string;
  readonly asciiSource: string;
  readonly flags: string;
  /** A text that every matching line has; may be empty. */
  readonly required: string;
}

/** Whole lines, with newlines between them. */
export interface LogText {
  readonly text: string;
  /** Epoch milliseconds. */
  readonly time: number;
}

interface Pattern {
  readonly name: string;
  readonly anyText: RegExp;
  readonly ascii: RegExp;
  readonly required: string;
}

/** The first look for a text goes back so far, each further one twice as far. */
const FIRST_WINDOW = 256;

const NUMBER = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/;

/** `run` may be ended at any point from outside, and goes on where it was when it is called again. */
export class MetricSearch {
  #patterns: readonly Pattern[];
  /** Of the patterns that are looked for. Null where one of them needs no text. */
  #anyRequired: RegExp | null;
  #texts: readonly LogText[] = [];
  /** How many texts are left; the last of them is searched. */
  #left = 0;
  #missing: readonly Pattern[] = [];
  #pattern = 0;
  /** What lies behind has been searched. */
  #end = 0;
  #found = new Map<string, MetricValue>();
  #trying: { readonly pattern: Pattern; readonly since: number } | null = null;

  constructor(metrics: readonly SearchedMetric[]) {
    this.#patterns = metrics.map(({ name, source, asciiSource, flags, required }) => ({
      name,
      anyText: new RegExp(source, flags),
      ascii: new RegExp(asciiSource, flags),
      required,
    }));
    this.#anyRequired = anyOf(this.#patterns);
  }

  /** The texts in the order of the log. */
  begin(texts: readonly LogText[]): void {
    this.#texts = texts;
    this.#left = texts.length;
    this.#missing = this.#patterns;
    this.#pattern = 0;
    this.#end = texts.at(-1)?.text.length ?? 0;
    this.#found = new Map();
  }

  run(): void {
    while (this.#left > 0 && this.#missing.length > 0) {
      const current = this.#texts[this.#left - 1];
      if (current !== undefined && (this.#anyRequired?.test(current.text) ?? true)) this.#searchText(current);
      this.#missing = this.#missing.filter(({ name }) => !this.#found.has(name));
      this.#end = this.#texts[this.#left - 2]?.text.length ?? 0;
      this.#pattern = 0;
      this.#left -= 1;
    }
  }

  /** The values that the texts had. */
  get found(): readonly MetricValue[] {
    return [...this.#found.values()];
  }

  /** Leaves out the pattern that has been tried on one line for so long; its name, or null where none has. */
  giveUp(milliseconds: number): string | null {
    const trying = this.#trying;
    this.#trying = null;
    if (trying === null || performance.now() - trying.since < milliseconds) return null;
    this.#patterns = this.#patterns.filter(one => one !== trying.pattern);
    this.#anyRequired = anyOf(this.#patterns);
    this.#missing = this.#missing.filter(one => one !== trying.pattern);
    this.#end = this.#texts[this.#left - 1]?.text.length ?? 0;
    return trying.pattern.name;
  }

  #searchText({ text, time }: LogText): void {
    const isAscii = !/[^\x00-\x7f]/.test(text);
    for (; this.#pattern < this.#missing.length; this.#pattern += 1) {
      const pattern = this.#missing[this.#pattern];
      if (pattern === undefined) continue;
      const value = this.#found.has(pattern.name)
        ? null
        : this.#lastValue(text, { pattern, expression: isAscii ? pattern.ascii : pattern.anyText });
      if (value !== null) this.#found.set(pattern.name, { name: pattern.name, value, time });
      this.#end = text.length;
    }
  }

  #lastValue(
    text: string,
    { pattern, expression }: { readonly pattern: Pattern; readonly expression: RegExp },
  ): number | null {
    for (;;) {
      const line = lastLineWith(text, pattern.required, this.#end);
      if (line === null) return null;
      this.#trying = { pattern, since: performance.now() };
      const value = valueOf(expression.exec(text.slice(line.from, line.to))?.[1]);
      this.#trying = null;
      if (value !== null || line.from === 0) return value;
      this.#end = line.from - 1;
    }
  }
}

/** A metric is a 32-bit float on the platform, which shows in its digits (contract §1.15). */
function valueOf(found: string | undefined): number | null {
  if (found === undefined || !NUMBER.test(found)) return null;
  const value = Math.fround(Number(found));
  return Number.isFinite(value) ? value : null;
}

/** The last line before `end` that has the text in it. */
function lastLineWith(
  text: string,
  required: string,
  end: number,
): { readonly from: number; readonly to: number } | null {
  if (end < 0) return null;
  const at = required === '' ? end : lastPlaceOf(text, required, end);
  if (at === -1) return null;
  const to = required === '' ? end : text.indexOf('\n', at);
  return { from: at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1, to: to === -1 || to > end ? end : to };
}

/** As `lastIndexOf`, which is many times slower than `indexOf`. */
function lastPlaceOf(text: string, required: string, end: number): number {
  let high = end;
  for (let size = FIRST_WINDOW; high > 0; size *= 2) {
    const low = Math.max(0, high - size);
    const window = text.slice(low, Math.min(high + required.length - 1, end));
    let last = -1;
    for (let at = window.indexOf(required); at !== -1; at = window.indexOf(required, at + 1)) last = at;
    if (last !== -1) return low + last;
    high = low;
  }
  return -1;
}

/** One look that says whether a text has anything for any of them. */
function anyOf(patterns: readonly Pattern[]): RegExp | null {
  if (patterns.some(({ required }) => required === '')) return null;
  const texts = patterns.map(({ required }) => required.replace(/[$()*+./?[\\\]^{|}-]/g, '\\$&'));
  return texts.length === 0 ? null : new RegExp(texts.join('|'));
}
