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
 * Reads the answer of ListObjectsV2; null when the text is another document.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export function readListPage(text: string): ListPage | null {
  const entries: Tree[] = [];
  // Entries are thousands, flat and alike: scanned they cost a tenth of what parsing them costs.
  const frame = text.includes('<!')
    ? text
    : text.replaceAll(CONTENTS, (_whole, entry: string) => {
        entries.push({ Key: inner(entry, 'Key'), Size: inner(entry, 'Size'), ETag: inner(entry, 'ETag') });
        return '';
      });
  const root = treeIn(parse(frame), 'ListBucketResult');
  if (root === null) return null;
  if (Array.isArray(root['Contents'])) entries.push(...(root['Contents'] as Tree[]));
  const encoded = textIn(root, 'EncodingType') === 'url';
  const objects = entries.map(entry => {
    const key = textIn(entry, 'Key') ?? '';
    return {
      key: encoded ? decodeKey(key) : key,
      size: Number(textIn(entry, 'Size') ?? 0),
      etag: withoutQuotes(textIn(entry, 'ETag') ?? ''),
    };
  });
  const more = textIn(root, 'IsTruncated')?.trim() === 'true';
  return { objects, continuation: more ? (textIn(root, 'NextContinuationToken') ?? '') : undefined };
}

const CONTENTS = /<Contents>(.*?)<\/Contents>/gs;

function inner(entry: string, name: string): string | undefined {
  const start = entry.indexOf(`<${name}>`);
  return start === -1 ? undefined : entry.slice(start + name.length + 2, entry.indexOf('</', start));
}

function decodeKey(key: string): string {
  return key.includes('+') || key.includes('%') ? decodeURIComponent(key.replaceAll('+', ' ')) : key;
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
      hex !== undefined
        ? String.fromCodePoint(Number.parseInt(hex, 16))
        : decimal !== undefined
          ? String.fromCodePoint(Number(decimal))
          : (NAMED[name ?? ''] ?? whole),
  );
}
