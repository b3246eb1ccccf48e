/**
 * What stands in a manifest (contract §1.5, §1.6): a ManifestFile is one JSON array, an AugmentedManifestFile is JSON Lines.
 * Everything that is wrong in one is MANIFEST_INVALID, with the manifest's URI, and the line where there is one.
 */
import { readFile, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { OptmlError } from '../errors.js';
import { formatS3Uri, parseS3Location, type S3Location } from '../job/s3-location.js';
import type { AttributeValue } from './listing.js';
import { valueTexts } from './member-texts.js';

/** A ManifestFile is one JSON text, which is read as a whole: some 600,000 names of 100 bytes. Its own limit is not known. */
export const LARGEST_MANIFEST = 64 * 1024 * 1024;

/** Bytes of one line of an augmented manifest; AWS's own limit is not known (UNCONFIRMED). */
export const LONGEST_LINE = 16 * 1024 * 1024;

interface Manifest {
  /** The copy on this machine. */
  readonly file: string;
  /** Where it was read from. */
  readonly location: S3Location;
}

/** The bucket and the keys that a ManifestFile names, in its order: prefix and entry are joined as they are. */
export async function readManifest(manifest: Manifest): Promise<{ bucket: string; keys: string[] }> {
  const { size } = await stat(manifest.file);
  if (size > LARGEST_MANIFEST)
    throw invalid(
      manifest,
      `it has ${size} bytes, and ${LARGEST_MANIFEST} is the most that is read; split it`,
    );
  const [head, ...entries] = arrayIn(manifest, await readFile(manifest.file));
  const prefix = prefixIn(manifest, head);
  if (entries.length === 0) throw invalid(manifest, 'no object stands behind its prefix');
  const { bucket } = locationOf(manifest, prefix);
  const keys = entries.map((entry, index) => {
    if (typeof entry !== 'string' || entry === '')
      throw invalid(
        manifest,
        `its entry ${index + 1} is ${shown(entry)}, where the rest of a key was expected`,
      );
    const location = locationOf(manifest, prefix + entry);
    if (location.bucket !== bucket || location.key === '')
      throw invalid(
        manifest,
        `its entry ${index + 1}, ${shown(entry)}, gives ${prefix}${entry}: expected an object of bucket "${bucket}"`,
      );
    return location.key;
  });
  return { bucket, keys };
}

function arrayIn(manifest: Manifest, bytes: Uint8Array): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (thrown) {
    throw invalid(manifest, `it is no JSON (${(thrown as Error).message.slice(0, 120)})`);
  }
  if (!Array.isArray(value))
    throw invalid(manifest, `it is ${shown(value)}, where a JSON array was expected`);
  return value as unknown[];
}

function prefixIn(manifest: Manifest, head: unknown): string {
  const prefix: unknown = typeof head === 'object' && head !== null && 'prefix' in head ? head.prefix : null;
  if (typeof prefix !== 'string' || prefix === '')
    throw invalid(manifest, `it begins with ${shown(head)}, where {"prefix": "s3://bucket/…"} was expected`);
  return prefix;
}

function locationOf(manifest: Manifest, uri: string): S3Location {
  try {
    return parseS3Location(uri, 'prefix');
  } catch {
    throw invalid(manifest, `${shown(uri)} is no S3 address: expected s3://bucket/key`);
  }
}

/** The values of these attributes, line for line, with constant memory. Empty lines are passed over. */
export async function* readAugmentedManifest(
  manifest: Manifest,
  attributes: readonly string[],
): AsyncGenerator<readonly AttributeValue[]> {
  for await (const { text, number } of linesOf(manifest)) {
    if (text.trim() === '') continue;
    const at = `line ${number}`;
    const members = valueTexts(text);
    if (members === null) throw invalid(manifest, `${at} is no JSON object: ${text.slice(0, 80)}`);
    yield attributes.map(attribute => {
      const value = members.get(attribute);
      if (value === undefined) throw invalid(manifest, `${at} has no attribute "${attribute}"`);
      return attribute.endsWith('-ref')
        ? refOf(manifest, value, `"${attribute}" in ${at}`)
        : ['text', value.startsWith('"') ? (JSON.parse(value) as string) : value];
    });
  }
}

function refOf(manifest: Manifest, value: string, where: string): AttributeValue {
  const uri: unknown = JSON.parse(value);
  try {
    if (typeof uri !== 'string') throw new TypeError('no text');
    const { bucket, key } = parseS3Location(uri, where);
    if (key === '') throw new TypeError('no object');
    return ['ref', bucket, key];
  } catch {
    throw invalid(manifest, `${where} is ${shown(uri)}, where the S3 URI of an object was expected`);
  }
}

async function* linesOf(manifest: Manifest): AsyncGenerator<{ text: string; number: number }> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const line = (bytes: Uint8Array, number: number): { text: string; number: number } => {
    try {
      return { text: decoder.decode(bytes), number };
    } catch {
      throw invalid(manifest, `line ${number} is not UTF-8`);
    }
  };
  let number = 1;
  let rest: Buffer[] = [];
  let size = 0;
  for await (const chunk of createReadStream(manifest.file, {
    highWaterMark: 1 << 18,
  }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      yield line(Buffer.concat([...rest, chunk.subarray(start, end)]), number);
      rest = [];
      size = 0;
      number += 1;
      start = end + 1;
    }
    rest.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > LONGEST_LINE)
      throw invalid(manifest, `line ${number} is longer than ${LONGEST_LINE} bytes, the most that is read`);
  }
  yield line(Buffer.concat(rest), number);
}

/** The error for a manifest that cannot be used. */
export function invalid({ location }: Pick<Manifest, 'location'>, what: string): OptmlError {
  return new OptmlError('MANIFEST_INVALID', `The manifest ${formatS3Uri(location)} cannot be used: ${what}.`);
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
