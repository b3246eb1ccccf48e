/**
 * Where a group's text is not what JavaScript would say. A group that has not been part of the match is empty for a
 * reference in JavaScript, and none in Python; in each repetition JavaScript forgets what a group held, and Python does not.
 */
import { UnsupportedPattern, type PatternNode } from './syntax.js';

/** The group whose text is the metric's value. */
const VALUE = 1;

/** Throws UnsupportedPattern where the two could differ. */
export function checkCaptures(root: PatternNode): void {
  const referred = new Set<number>();
  forEach(root, node => {
    if (node.kind === 'reference') referred.add(node.number);
  });
  walk(root, new Set(), referred);
}

/** `before`: the groups that have a text whenever this node is tried. Gives those that have one when it has matched. */
function walk(
  node: PatternNode,
  before: ReadonlySet<number>,
  referred: ReadonlySet<number>,
): ReadonlySet<number> {
  switch (node.kind) {
    case 'sequence': {
      let set = before;
      for (const part of node.parts) set = walk(part, set, referred);
      return set;
    }
    case 'choice': {
      const ends = node.branches.map(branch => walk(branch, before, referred));
      return new Set([...(ends[0] ?? [])].filter(number => ends.every(end => end.has(number))));
    }
    case 'group': {
      const set = walk(node.body, before, referred);
      return node.number === null ? set : new Set([...set, node.number]);
    }
    case 'look': {
      const set = walk(node.body, before, referred);
      return node.negated ? before : set;
    }
    case 'repeat':
      return repeat(node, before, referred);
    case 'reference':
      if (!before.has(node.number)) throw new UnsupportedPattern('captures');
      return before;
    default:
      return before;
  }
}

function repeat(
  { body, min, max }: Extract<PatternNode, { readonly kind: 'repeat' }>,
  before: ReadonlySet<number>,
  referred: ReadonlySet<number>,
): ReadonlySet<number> {
  const inside = groupsIn(body);
  const once = walk(body, new Set([...before].filter(number => !inside.has(number))), referred);
  const watched = [...inside].filter(number => number === VALUE || referred.has(number));
  const uncertain = watched.filter(number => mayBeEmpty(body) || !once.has(number));
  // JavaScript takes back one repetition that is empty. A value is then no number anyway, unless it was only looked at.
  if (uncertain.some(number => max > 1 || (mayBeEmpty(body) && (referred.has(number) || looks(body)))))
    throw new UnsupportedPattern('captures');
  return min === 0 ? before : new Set([...before, ...once]);
}

function groupsIn(root: PatternNode): Set<number> {
  const numbers = new Set<number>();
  forEach(root, node => {
    if (node.kind === 'group' && node.number !== null) numbers.add(node.number);
  });
  return numbers;
}

function looks(root: PatternNode): boolean {
  let found = false;
  forEach(root, node => {
    found ||= node.kind === 'look';
  });
  return found;
}

function mayBeEmpty(node: PatternNode): boolean {
  switch (node.kind) {
    case 'char':
    case 'any':
    case 'set':
      return false;
    case 'sequence':
      return node.parts.every(mayBeEmpty);
    case 'choice':
      return node.branches.some(mayBeEmpty);
    case 'repeat':
      return node.min === 0 || mayBeEmpty(node.body);
    case 'group':
      return mayBeEmpty(node.body);
    default:
      return true;
  }
}

export function forEach(node: PatternNode, see: (node: PatternNode) => void): void {
  see(node);
  const inner =
    node.kind === 'sequence'
      ? node.parts
      : node.kind === 'choice'
        ? node.branches
        : 'body' in node
          ? [node.body]
          : [];
  for (const one of inner) forEach(one, see);
}
