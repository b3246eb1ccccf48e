/** The XML documents that clients send. Small, strict, and without entities of their own. */

import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { S3Error } from './s3-error.js';

/** An element's children by name; a child that has none is its text. */
export type Tree = Readonly<Record<string, unknown>>;

const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  ignoreAttributes: true,
  processEntities: false,
  removeNSPrefix: true,
});

/** The root element's children. Throws MalformedXML for everything but that document. */
export function readXml(body: Buffer, rootName: string): Tree {
  const text = body.toString();
  if (text.includes('<!') || XMLValidator.validate(text) !== true) throw new S3Error('MalformedXML');
  const tree = childTree(parse(text), rootName);
  if (tree === null) throw new S3Error('MalformedXML');
  return tree;
}

function parse(text: string): Tree {
  try {
    return parser.parse(text) as Tree;
  } catch (thrown) {
    throw new S3Error('MalformedXML', undefined, { cause: thrown });
  }
}

function childTree(tree: Tree, name: string): Tree | null {
  const child = Object.hasOwn(tree, name) ? tree[name] : undefined;
  // An element without children is read as its text.
  if (typeof child === 'string') return child.trim() === '' ? {} : null;
  return typeof child === 'object' && child !== null && !Array.isArray(child) ? (child as Tree) : null;
}

/** The one child of that name, with its children; null when there is none. */
export function treeIn(tree: Tree, name: string): Tree | null {
  return childTree(tree, name);
}

/** All children of that name that have children. Throws MalformedXML for one that has not. */
export function treesIn(tree: Tree, name: string): Tree[] {
  const found = Object.hasOwn(tree, name) ? tree[name] : undefined;
  const all: unknown[] = found === undefined ? [] : Array.isArray(found) ? found : [found];
  return all.map(one => {
    if (typeof one !== 'object' || one === null) throw new S3Error('MalformedXML');
    return one as Tree;
  });
}

/** The text of the one child of that name; undefined when there is none. */
export function textIn(tree: Tree, name: string): string | undefined {
  const value = Object.hasOwn(tree, name) ? tree[name] : undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new S3Error('MalformedXML');
  return decodeEntities(value);
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** In one pass, so that `&amp;lt;` stays `&lt;`. */
function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi,
    (whole: string, ...groups: unknown[]) => {
      const [hex, decimal, name] = groups;
      if (typeof name === 'string') return NAMED[name] ?? whole;
      const point = typeof hex === 'string' ? Number.parseInt(hex, 16) : Number(decimal);
      if (point > 0x10ffff) throw new S3Error('MalformedXML');
      return String.fromCodePoint(point);
    },
  );
}
