/** The XML documents that clients send: elements and text. No entities of their own, no comments, no processing. */

import { isUtf8 } from 'node:buffer';
import { S3Error } from './s3-error.js';

export interface Tree {
  readonly name: string;
  readonly text: string;
  readonly children: readonly Tree[];
}

interface Open {
  readonly name: string;
  text: string;
  readonly children: Tree[];
}

const DECLARATION = /^\uFEFF?\s*(?:<\?xml[^?<>]*\?>)?\s*/;
/** A tag at this place: slash, name (a prefix is not looked at), slash of an empty element. Attributes say nothing. */
const TAG =
  /<(\/?)(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)(?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*(\/?)>/y;
/** Deeper than any document of S3. */
const DEPTH = 16;

/** The root element. Throws MalformedXML for everything but that document. */
export function readXml(body: Buffer, rootName: string): Tree {
  if (!isUtf8(body)) throw new S3Error('MalformedXML');
  const root = parse(body.toString());
  if (root?.name !== rootName) throw new S3Error('MalformedXML');
  return root;
}

/** Null for what is no document. */
function parse(text: string): Tree | null {
  const outside: Open = { name: '', text: '', children: [] };
  const path: Open[] = [outside];
  for (let at = DECLARATION.exec(text)?.[0].length ?? 0; at < text.length; at = TAG.lastIndex) {
    const end = text.indexOf('<', at);
    const inner = path.at(-1);
    if (inner === undefined || path.length > DEPTH) return null;
    inner.text += decodeEntities(text.slice(at, end === -1 ? undefined : end));
    if (end === -1) break;
    TAG.lastIndex = end;
    const [whole, closing, name = '', empty] = TAG.exec(text) ?? [];
    if (whole === undefined) return null;
    if (closing !== '') {
      if (path.length === 1 || inner.name !== name || empty !== '') return null;
      path.pop();
      continue;
    }
    const child: Open = { name, text: '', children: [] };
    inner.children.push(child);
    if (empty === '') path.push(child);
  }
  const [root, ...others] = outside.children;
  return path.length === 1 && others.length === 0 && outside.text.trim() === '' ? (root ?? null) : null;
}

/** The one child of that name; null when there is none. Throws MalformedXML when there are several. */
export function treeIn(tree: Tree, name: string): Tree | null {
  const [found, ...others] = treesIn(tree, name);
  if (others.length > 0) throw new S3Error('MalformedXML');
  return found ?? null;
}

/** All children of that name. */
export function treesIn({ children }: Tree, name: string): Tree[] {
  return children.filter(child => child.name === name);
}

/** The text of the one child of that name; undefined when there is none. */
export function textIn(tree: Tree, name: string): string | undefined {
  const found = treeIn(tree, name);
  if (found !== null && found.children.length > 0) throw new S3Error('MalformedXML');
  return found?.text;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const ENTITY = /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{1,8}));|&/gi;

/** In one pass, so that `&amp;lt;` stays `&lt;`. */
function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(ENTITY, (_whole: string, hex?: string, decimal?: string, name?: string) => {
    const named = name === undefined ? undefined : NAMED[name];
    if (named !== undefined) return named;
    const point = hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal);
    if (!(point <= 0x10ffff) || (point >= 0xd800 && point < 0xe000)) throw new S3Error('MalformedXML');
    return String.fromCodePoint(point);
  });
}
