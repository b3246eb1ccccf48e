/** A pattern of Python's → JavaScript's, for its flag `u`. (`v` could say a bit more, but Node 20 searches wrongly with it.) */
import { forEach } from './captures.js';
import { UnsupportedPattern, type PatternNode } from './syntax.js';

export interface JavaScriptPattern {
  /** For lines of any characters. */
  readonly source: string;
  /** The same for lines of ASCII, where it is many times as fast. */
  readonly asciiSource: string;
  readonly flags: string;
}

/** Python's categories of text; JavaScript's own are those of ASCII, or have other blanks. */
const CATEGORIES = {
  d: { text: '\\p{Nd}', ascii: '0-9' },
  w: { text: '\\p{L}\\p{N}_', ascii: '0-9A-Za-z_' },
  s: {
    text: '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000',
    ascii: '\\t-\\r\\x20',
  },
} as const;

/** Throws UnsupportedPattern. */
export function emitPattern(root: PatternNode): JavaScriptPattern {
  const folds = new Set<boolean>();
  forEach(root, node => {
    if (node.kind === 'char' || node.kind === 'set' || node.kind === 'reference') folds.add(node.fold);
  });
  if (folds.size > 1) throw new UnsupportedPattern('fold');
  return {
    source: emit(root, { ascii: false }),
    asciiSource: emit(root, { ascii: true }),
    flags: folds.has(true) ? 'iu' : 'u',
  };
}

interface Options {
  /** The lines have nothing but ASCII. */
  readonly ascii: boolean;
}

function emit(node: PatternNode, options: Options): string {
  switch (node.kind) {
    case 'char':
      return literal(node.code);
    case 'any':
      return node.newline ? '[^]' : '[^\\n]';
    case 'set':
      return set(node, options);
    // A line has no newline in it, before which `$` would match, too.
    case 'start':
      return '^';
    case 'end':
      return '$';
    case 'word-edge':
      return wordEdge(node.negated, options.ascii || node.ascii);
    case 'sequence':
      return node.parts.map(part => emit(part, options)).join('');
    case 'choice':
      return node.branches.map(branch => emit(branch, options)).join('|');
    case 'group':
      return `(${node.number === null ? '?:' : ''}${emit(node.body, options)})`;
    case 'look':
      return `(?${node.behind ? '<' : ''}${node.negated ? '!' : '='}${emit(node.body, options)})`;
    case 'reference':
      return `(?:\\${node.number})`;
    case 'repeat':
      return `(?:${emit(node.body, options)})${quantifier(node)}`;
  }
}

function quantifier({ min, max, lazy }: Extract<PatternNode, { readonly kind: 'repeat' }>): string {
  const marks: Readonly<Record<string, string>> = { '0-1': '?', '0-Infinity': '*', '1-Infinity': '+' };
  const mark = marks[`${min}-${max}`] ?? `{${min},${max === Infinity ? '' : max}}`;
  return mark + (lazy ? '?' : '');
}

/** To Python, an empty line has neither an edge of a word nor a place that is none. */
const IN_SOMETHING = '(?!^$)';

function wordEdge(negated: boolean, ascii: boolean): string {
  if (ascii) return negated ? `${IN_SOMETHING}\\B` : '\\b';
  const word = `[${CATEGORIES.w.text}]`;
  return negated
    ? `${IN_SOMETHING}(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}))`
    : `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`;
}

/** An opposite category cannot stand among other things between brackets: it becomes an alternative to them. */
function set({ items, negated }: Extract<PatternNode, { readonly kind: 'set' }>, { ascii }: Options): string {
  const positive: string[] = [];
  const opposite: string[] = [];
  for (const item of items)
    if (item.kind === 'range')
      positive.push(item.from === item.to ? coded(item.from) : `${coded(item.from)}-${coded(item.to)}`);
    else {
      const lower = item.letter.toLowerCase() as 'd' | 's' | 'w';
      const characters = CATEGORIES[lower][ascii || item.ascii ? 'ascii' : 'text'];
      (lower === item.letter ? positive : opposite).push(characters);
    }
  if (opposite.length === 0) return `[${negated ? '^' : ''}${positive.join('')}]`;
  if (positive.length === 0 && opposite.length === 1) return `[${negated ? '' : '^'}${opposite.join('')}]`;
  const all = [
    ...(positive.length === 0 ? [] : [`[${positive.join('')}]`]),
    ...opposite.map(characters => `[^${characters}]`),
  ].join('|');
  return negated ? `(?:(?!${all})[^])` : `(?:${all})`;
}

function literal(code: number): string {
  const character = String.fromCodePoint(code);
  if (/^[\w \-=:,;"'<>#%&~`@!]$/.test(character)) return character;
  return /^[$()*+./?[\\\]^{|}]$/.test(character) ? `\\${character}` : coded(code);
}

function coded(code: number): string {
  const character = String.fromCodePoint(code);
  return /^\w$/.test(character) ? character : `\\u{${code.toString(16)}}`;
}
