/** The longest text that stands in everything that a pattern matches: lines without it need not be looked at. */
import type { PatternNode } from './syntax.js';

/** Empty where there is none, or only one that may be written in several ways. */
export function requiredText(root: PatternNode): string {
  const runs = [''];
  collect(root, runs);
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '');
}

/** The last of the runs is the one that may go on. */
function collect(node: PatternNode, runs: string[]): void {
  switch (node.kind) {
    case 'char':
      if (node.fold && isCased(node.code)) runs.push('');
      else runs.push((runs.pop() ?? '') + String.fromCodePoint(node.code));
      return;
    case 'sequence':
      for (const part of node.parts) collect(part, runs);
      return;
    case 'group':
      collect(node.body, runs);
      return;
    case 'repeat':
      runs.push('');
      if (node.min > 0) collect(node.body, runs);
      runs.push('');
      return;
    case 'start':
    case 'end':
    case 'word-edge':
    case 'look':
      return;
    default:
      runs.push('');
  }
}

function isCased(code: number): boolean {
  const character = String.fromCodePoint(code);
  return code > 0x7f || character.toLowerCase() !== character.toUpperCase();
}
