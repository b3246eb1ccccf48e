/** The few XML documents of S3 that a client reads and writes. */

import { XMLParser } from 'fast-xml-parser';
import type { StoredObject } from '../port.js';

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
  const entries: Tree[] = [];
  // Entries are thousands, flat and alike: scanned they cost a tenth of what parsing them costs.
  const frame = text.includes('<!')
    ? text
    : text.replaceAll(CONTENTS, (_whole, entry: string) => {
        entries.push({ Key: inner(entry, 'Key'), Size: inner(entry, 'Size'), ETag: inner(entry, 'ETag') });
        return '';
      });
  const root = treeIn(parse(frame), 'ListBucketResult');
  if (root === null) return text.includes('ListBucketResult') ? 'damaged' : null;
  if (Array.isArray(root['Contents'])) entries.push(...(root['Contents'] as Tree[]));
  const encoded = textIn(root, 'EncodingType') === 'url';
  const objects: StoredObject[] = [];
  for (const entry of entries) {
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

/** Null when something is missing in it, or is not what it has to be. */
function objectIn(entry: Tree, encoded: boolean): StoredObject | null {
  const key = textIn(entry, 'Key');
  const size = textIn(entry, 'Size')?.trim();
  if (key === undefined || key === '' || size === undefined || !/^\d+$/.test(size)) return null;
  const plain = encoded ? decodeKey(key) : key;
  return plain === null
    ? null
    : { key: plain, size: Number(size), etag: withoutQuotes(textIn(entry, 'ETag') ?? '') };
}

const CONTENTS = /<Contents>(.*?)<\/Contents>/gs;

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
  const value = tree[name];
  return typeof value === 'string' ? decodeEntities(value) : undefined;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** In one pass, so that `&amp;lt;` stays `&lt;`. */
function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(
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
