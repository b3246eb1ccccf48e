/** XML as S3 writes it. */

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** Content that is XML already, so that no text is taken for it by mistake. */
export interface Xml {
  readonly xml: string;
}

type Content = string | number | boolean | undefined | Xml;

/** `<name>content</name>`; nothing for undefined content. */
export function element(name: string, content: Content): Xml {
  if (content === undefined) return { xml: '' };
  const inner = typeof content === 'object' ? content.xml : escapeXml(String(content));
  return { xml: `<${name}>${inner}</${name}>` };
}

export function join(parts: readonly Xml[]): Xml {
  return { xml: parts.map(part => part.xml).join('') };
}

export function document(name: string, parts: readonly Xml[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="${NAMESPACE}">${join(parts).xml}</${name}>`;
}

/** S3's error documents have no namespace. */
export function errorDocument(parts: readonly Xml[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${join(parts).xml}</Error>`;
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}

export function isoTime(milliseconds: number): string {
  return new Date(Math.floor(milliseconds / 1000) * 1000).toISOString();
}

// Control characters cannot stand in XML 1.0 at all; S3 writes them as references, and parsers take them.
const SPECIAL = /[&<>"\u0000-\u0008\u000b-\u001f\u007f\ufffe\uffff]/;
const SPECIALS = /[&<>"\u0000-\u0008\u000b-\u001f\u007f\ufffe\uffff]/g;
const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeXml(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replaceAll(
    SPECIALS,
    character => NAMED[character] ?? `&#x${character.charCodeAt(0).toString(16)};`,
  );
}
