/** What a request's metrics must be: patterns of Python's (contract §1.15) that can be searched for here. Pure. */
import type { CheckedRequest } from './checked-request.js';
import type { RefusalRule } from './member-row.js';
import { readPythonPattern } from './python-pattern/python-pattern.js';
import type { Unsupported } from './python-pattern/syntax.js';

/** AWS's text is not known; this has the form of those that are. */
export function metricRules({ AlgorithmSpecification: given }: CheckedRequest): readonly string[] {
  return (given?.MetricDefinitions ?? []).flatMap(({ Name, Regex }) => {
    const pattern = readPythonPattern(Regex);
    return pattern.kind === 'invalid'
      ? [
          `Invalid MetricDefinitions. Regex of '${Name}' must be a regular expression, but it is '${Regex}': ${pattern.why}.`,
        ]
      : [];
  });
}

/** By name, what Python's patterns have and JavaScript's have not. */
export const UNSEARCHABLE_PATTERNS: readonly RefusalRule[] = [
  refused('atomic', {
    words: 'with a possessive quantifier (`*+`, `++`, `?+`, `{2}+`) or an atomic group (`(?>…)`)',
    why: 'its possessive quantifier or atomic group cannot be searched for here',
    instead: 'write it with an ordinary quantifier or group',
  }),
  refused('conditional', {
    words: 'with a condition (`(?(1)…)`)',
    why: 'its condition, (?(…)…), cannot be searched for here',
    instead: 'write the two cases as alternatives',
  }),
  refused('named-character', {
    words: 'with a character by its name (`\\N{…}`)',
    why: 'its \\N{…} is a name that is not known here',
    instead: 'write the character itself',
  }),
  refused('captures', {
    words:
      'in which a repetition may leave out a group that counts, or a reference may come before its group',
    why: 'a group that counts is optional or repeated there in a way for which this search would find another text',
    instead:
      'take the group out of the repetition, and refer only to groups that are always part of the match',
  }),
  refused('fold', {
    words: 'with `(?i:…)` for a part of it',
    why: 'its (?i:…) makes only a part of it indifferent to case, which cannot be searched for here',
    instead: 'put (?i) at its start, or write both cases, [Aa]',
  }),
];

function refused(
  what: Unsupported,
  { words, why, instead }: { readonly words: string; readonly why: string; readonly instead: string },
): RefusalRule {
  return {
    when: {
      words,
      holds: value => {
        if (typeof value !== 'string') return false;
        const pattern = readPythonPattern(value);
        return pattern.kind === 'unsupported' && pattern.what === what;
      },
    },
    why,
    instead,
  };
}
