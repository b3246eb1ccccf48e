/** AWS's patterns are Java's and hold for the whole value; here they become JavaScript's. */

/**
 * Beyond this length a value is not matched at all. Every patterned member is at most 2,500 characters long, so such
 * a value has broken its length already, and no pattern of the model is worse than quadratic below it.
 */
const LONGEST_MATCHED = 4096;

/** Does the whole value match, as Java's `Matcher.matches()`? `true` for values too long to be worth matching. */
export function matchesJavaPattern(pattern: string, value: string): boolean {
  return value.length > LONGEST_MATCHED || fullMatch(pattern).test(value);
}

/** The JavaScript expression for a whole value. Throws a SyntaxError for Java syntax that has no translation. */
export function fullMatch(pattern: string): RegExp {
  // The flag `u` gives \p{L} and friends their meaning, and surrogate pairs Java's.
  return new RegExp(`^(?:${pattern.replaceAll('\\p{Alnum}', 'a-zA-Z0-9')})$`, 'u');
}
