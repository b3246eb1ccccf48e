/** Percent-encoding as Signature Version 4 wants it: everything but A-Z a-z 0-9 - . _ ~ */

const PLAIN = /^[A-Za-z0-9\-._~]*$/;
const PLAIN_PATH = /^[A-Za-z0-9\-._~/]*$/;

/** A key or bucket as the path of a URL; slashes stay, dots are not resolved. */
export function encodeKey(key: string): string {
  return PLAIN_PATH.test(key) ? key : encodeText(key).replaceAll('%2F', '/');
}

/** `a=b&c=d`, sorted by name: the query to send, and the one to sign. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  const given = Object.entries(query);
  if (given.length === 0) return '';
  const pairs = given.map(([name, value]) => `${encodeText(name)}=${encodeText(value)}`);
  return pairs.sort().join('&');
}

/** One name or value: a slash is encoded, too. */
export function encodeText(text: string): string {
  if (PLAIN.test(text)) return text;
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
