/** Percent-encoding of everything but A-Z a-z 0-9 - . _ ~ */

const PLAIN = /^[A-Za-z0-9\-._~]*$/;

export function encodeText(text: string): string {
  if (PLAIN.test(text)) return text;
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
