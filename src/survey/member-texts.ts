/**
 * The members of a JSON object as they are written. `JSON.parse` would round 20-digit numbers and write 1.0 as 1; the values
 * of an augmented manifest reach the container as they stand, without the blanks between (UNCONFIRMED, contract §1.6).
 */

/** Member → its value's JSON text; of a name that stands twice, the last. Null when the text is no JSON object. */
export function valueTexts(json: string): ReadonlyMap<string, string> | null {
  if (!isObjectText(json)) return null;
  const members = new Map<string, string>();
  const tokens = json.matchAll(TOKEN);
  let depth = 0;
  let name: string | null = null;
  let value = '';
  for (const [token] of tokens) {
    if (token === '}' || token === ']') depth -= 1;
    const ends = depth === 0 || (depth === 1 && token === ',');
    if (ends && name !== null) {
      members.set(name, value);
      name = null;
      value = '';
    } else if (depth === 1 && name === null && token.startsWith('"')) name = JSON.parse(token) as string;
    else if (name !== null && !(value === '' && token === ':')) value += token;
    if (token === '{' || token === '[') depth += 1;
  }
  return members;
}

/** Strings, brackets, commas and colons, and runs of what numbers and words are made of: all but the blanks. */
const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

function isObjectText(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
