/** `--map s3://bucket/prefix=./folder`: what was asked for. */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { OptmlError } from '../errors.js';

/** Keys under `prefix` of `bucket` are read from `target`. */
export interface Mapping {
  readonly bucket: string;
  /** Without a slash at its end; empty for the whole bucket. */
  readonly prefix: string;
  /** The absolute path of a folder, or of a file that is the one object `prefix`. */
  readonly target: string;
  readonly kind: 'folder' | 'file';
}

const FORM = /^s3:\/\/(?<bucket>[^/=]+)(?:\/(?<rest>.*))?$/s;

/**
 * Reads `s3://bucket/prefix=path`; a relative path is taken from `workingFolder`. Keys and paths may hold `=`
 * themselves (`dt=2026-01-31`), so the first `=` counts behind which something exists.
 * Throws USAGE when the form is another, or nothing exists there.
 */
export function parseMapping(text: string, workingFolder: string): Mapping {
  const place = /^s3:\/\/[^/=]+/.exec(text)?.[0];
  const places = place === undefined ? [] : splits(text, place.length);
  for (const { uri, path } of places) {
    const groups = FORM.exec(uri)?.groups;
    const bucket = groups?.['bucket'];
    const target = resolve(workingFolder, path);
    const kind = kindOf(target);
    if (bucket === undefined || kind === null) continue;
    const prefix = (groups?.['rest'] ?? '').replace(/\/+$/, '');
    if (kind === 'folder' || prefix !== '') return { bucket, prefix, target, kind };
  }
  throw new OptmlError(
    'USAGE',
    places.length === 0
      ? `"${text}" is not a map: expected s3://bucket/prefix=./folder.`
      : `The map "${text}" leads nowhere: expected a folder or file of this machine behind the =; make it, or mend the path.`,
  );
}

function splits(text: string, from: number): { readonly uri: string; readonly path: string }[] {
  const found = [];
  for (let at = text.indexOf('=', from); at !== -1; at = text.indexOf('=', at + 1))
    if (at + 1 < text.length) found.push({ uri: text.slice(0, at), path: text.slice(at + 1) });
  return found;
}

function kindOf(path: string): Mapping['kind'] | null {
  try {
    const stats = statSync(path);
    return stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : null;
  } catch {
    return null;
  }
}

/** Does this key come from the map and not from the store? */
export function covers({ bucket, prefix, kind }: Mapping, address: { bucket: string; key: string }): boolean {
  if (bucket !== address.bucket) return false;
  return kind === 'file' ? address.key === prefix : address.key.startsWith(folderPrefix(prefix));
}

/** What every key in a mapped folder starts with. */
export function folderPrefix(prefix: string): string {
  return prefix === '' ? '' : `${prefix}/`;
}
