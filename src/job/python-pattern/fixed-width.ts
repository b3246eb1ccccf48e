/** What a look-behind holds must be of one width, as Python's engine goes back by it. */
import { InvalidPattern, type PatternNode } from './syntax.js';

interface Width {
  readonly min: number;
  readonly max: number;
}

/** Throws InvalidPattern, in Python's words. */
export function checkLookBehinds(root: PatternNode): void {
  widthOf(root, new Map());
}

/** `groups`: the widths of those that were met before. */
function widthOf(node: PatternNode, groups: Map<number, Width>): Width {
  switch (node.kind) {
    case 'char':
    case 'any':
    case 'set':
      return { min: 1, max: 1 };
    case 'start':
    case 'end':
    case 'word-edge':
      return { min: 0, max: 0 };
    case 'sequence':
      return node.parts
        .map(part => widthOf(part, groups))
        .reduce((sum, one) => ({ min: sum.min + one.min, max: sum.max + one.max }), { min: 0, max: 0 });
    case 'choice':
      return node.branches
        .map(branch => widthOf(branch, groups))
        .reduce((all, one) => ({ min: Math.min(all.min, one.min), max: Math.max(all.max, one.max) }));
    case 'repeat': {
      const { min, max } = widthOf(node.body, groups);
      return { min: min * node.min, max: max === 0 ? 0 : max * node.max };
    }
    case 'group': {
      const width = widthOf(node.body, groups);
      if (node.number !== null) groups.set(node.number, width);
      return width;
    }
    case 'look': {
      const { min, max } = widthOf(node.body, groups);
      if (node.behind && min !== max) throw new InvalidPattern('look-behind requires fixed-width pattern');
      return { min: 0, max: 0 };
    }
    case 'reference':
      return groups.get(node.number) ?? { min: 0, max: Infinity };
  }
}
