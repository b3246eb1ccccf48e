/** The few XML documents of S3 that a client reads and writes. */

import { createRequire } from 'node:module';
import type * as library from 'fast-xml-parser';
import type { StoredObject } from '../port.js';

/** Its one file for CommonJS loads in a tenth of the time that its thirty modules take. */
const { XMLParser } = createRequire(import.meta.url)('fast-xml-parser') as typeof library;

/** Values stay as they are in the text: keys may start with blanks, and look like numbers. */
const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  ignoreAttributes: true,
  processEntities: false,
  isArray: name => name === 'Contents',
});

type Tree = Readonly<Record<string, unknown>>;

export interface ListPage {
  readonly objects: readonly StoredObject[];
  /** For the next page; undefined on the last one. */
  readonly continuation: string | undefined;
}

/**
 * Reads the answer of ListObjectsV2; null when the text is another document, `damaged` when it is one that does not hold what
 * it tells of: an entry that is lost on the way must not be an object that is not there.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export function readListPage(text: string): ListPage | 'damaged' | null {
  // Entries are thousands, flat and alike: scanned they cost a tenth of what parsing them costs.
  const { entries, frame } = text.includes('<!') ? { entries: [], frame: text } : cutOutEntries(text);
  const root = treeIn(parse(frame), 'ListBucketResult');
  if (root === null) return text.includes('ListBucketResult') ? 'damaged' : null;
  // A body without a length may be cut off anywhere.
  if (!text.trimEnd().endsWith('</ListBucketResult>')) return 'damaged';
  const encoded = textIn(root, 'EncodingType') === 'url';
  const objects: StoredObject[] = [];
  const parsed = Array.isArray(root['Contents']) ? (root['Contents'] as Tree[]).map(entryIn) : [];
  for (const entry of [...entries, ...parsed]) {
    const object = objectIn(entry, encoded);
    if (object === null || object.key === objects.at(-1)?.key) return 'damaged';
    objects.push(object);
  }
  // Not every server counts; where one does, nothing may be missing.
  if (Number(textIn(root, 'KeyCount') ?? objects.length) !== objects.length) return 'damaged';
  switch (textIn(root, 'IsTruncated')?.trim()) {
    case 'true':
      return { objects, continuation: textIn(root, 'NextContinuationToken') ?? '' };
    case 'false':
      return { objects, continuation: undefined };
    default:
      return 'damaged';
  }
}

/** What a listing says of one object, as it stands there. */
interface Entry {
  readonly key: string | undefined;
  readonly size: string | undefined;
  readonly etag: string | undefined;
}

/** Null when something is missing in it, or is not what it has to be. */
function objectIn({ key, size, etag }: Entry, encoded: boolean): StoredObject | null {
  if (key === undefined || key === '' || size === undefined || !/^\s*\d+\s*$/.test(size)) return null;
  const said = decodeEntities(key);
  const plain = encoded ? decodeKey(said) : said;
  return plain === null
    ? null
    : { key: plain, size: Number(size), etag: withoutQuotes(decodeEntities(etag ?? '')) };
}

function entryIn(tree: Tree): Entry {
  return { key: rawIn(tree, 'Key'), size: rawIn(tree, 'Size'), etag: rawIn(tree, 'ETag') };
}

const ENTRY = '<Contents>';
const ENTRY_END = '</Contents>';

/** The entries of a listing, and its text without them. */
function cutOutEntries(text: string): { readonly entries: readonly Entry[]; readonly frame: string } {
  const entries: Entry[] = [];
  let frame = '';
  for (let at = 0; ;) {
    const start = text.indexOf(ENTRY, at);
    const end = start < 0 ? -1 : text.indexOf(ENTRY_END, start);
    if (end < 0) return { entries, frame: frame + text.slice(at) };
    const entry = text.slice(start + ENTRY.length, end);
    // Of two that have run into each other, neither is right.
    const isOne = !entry.includes('<Contents') && entry.indexOf('<Key>') === entry.lastIndexOf('<Key>');
    entries.push({
      key: isOne ? inner(entry, 'Key') : undefined,
      size: inner(entry, 'Size'),
      etag: inner(entry, 'ETag'),
    });
    frame += text.slice(at, start);
    at = end + ENTRY_END.length;
  }
}

function inner(entry: string, name: string): string | undefined {
  const start = entry.indexOf(`<${name}>`);
  return start === -1 ? undefined : entry.slice(start + name.length + 2, entry.indexOf('</', start));
}

function decodeKey(key: string): string | null {
  if (!key.includes('+') && !key.includes('%')) return key;
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

export function withoutQuotes(etag: string): string {
  const start = etag.startsWith('W/') ? 2 : 0;
  return etag.startsWith('"', start) && etag.endsWith('"') ? etag.slice(start + 1, -1) : etag;
}

export interface SaidError {
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly region: string | undefined;
}

/** Reads an `<Error>` document; all undefined when the text is another one. */
export function readErrorXml(text: string): SaidError {
  const error = text.includes('<Error') ? treeIn(parse(text), 'Error') : null;
  const said = (name: string): string | undefined => (error === null ? undefined : textIn(error, name));
  return { code: said('Code'), message: said('Message'), region: said('Region') };
}

/** The upload id in the answer of CreateMultipartUpload. */
export function readUploadId(text: string): string | undefined {
  const root = treeIn(parse(text), 'InitiateMultipartUploadResult');
  return root === null ? undefined : textIn(root, 'UploadId');
}

export interface FoundUpload {
  readonly key: string;
  readonly id: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly initiated: number;
}

/** The first page of the answer of ListMultipartUploads, asked for with `encoding-type=url`. */
export function readUploads(text: string): FoundUpload[] {
  const root = treeIn(parse(text), 'ListMultipartUploadsResult');
  if (root === null) return [];
  const encoded = textIn(root, 'EncodingType') === 'url';
  return [root['Upload']].flat().flatMap(entry => {
    const tree = treeIn({ entry }, 'entry');
    if (tree === null) return [];
    const said = textIn(tree, 'Key') ?? '';
    const key = encoded ? decodeKey(said) : said;
    const id = textIn(tree, 'UploadId');
    const initiated = Date.parse(textIn(tree, 'Initiated') ?? '');
    return key === null || id === undefined || Number.isNaN(initiated) ? [] : [{ key, id, initiated }];
  });
}

export interface FinishedPart {
  readonly partNumber: number;
  readonly etag: string;
  /** Base64 of the big-endian CRC-32. */
  readonly crc32: string;
}

/** The body of CompleteMultipartUpload. */
export function writeCompletion(parts: readonly FinishedPart[]): string {
  const entries = parts.map(
    ({ partNumber, etag, crc32 }) =>
      `<Part><PartNumber>${partNumber}</PartNumber><ETag>${escapeXml(etag)}</ETag><ChecksumCRC32>${crc32}</ChecksumCRC32></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${entries.join('')}</CompleteMultipartUpload>`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function parse(text: string): unknown {
  try {
    return parser.parse(text);
  } catch {
    return null;
  }
}

function treeIn(value: unknown, name: string): Tree | null {
  if (typeof value !== 'object' || value === null) return null;
  const child = (value as Tree)[name];
  // An element without children is read as its text.
  if (typeof child === 'string') return {};
  return typeof child === 'object' && child !== null ? (child as Tree) : null;
}

function textIn(tree: Tree, name: string): string | undefined {
  const text = rawIn(tree, name);
  return text === undefined ? undefined : decodeEntities(text);
}

/** With its entities. */
function rawIn(tree: Tree, name: string): string | undefined {
  const value = tree[name];
  return typeof value === 'string' ? value : undefined;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** In one pass, so that `&amp;lt;` stays `&lt;`. */
function decodeEntities(text: string): string {
  // An ETag has quotes, and nothing else.
  const plain = text.replaceAll('&quot;', '"');
  if (!plain.includes('&')) return plain;
  return plain.replaceAll(
    /&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi,
    (whole: string, hex?: string, decimal?: string, name?: string) =>
      hex === undefined && decimal === undefined
        ? (NAMED[name ?? ''] ?? whole)
        : (character(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)) ?? whole),
  );
}

function character(code: number): string | undefined {
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
