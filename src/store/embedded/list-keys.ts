/** The keys of a bucket from any point on, in the order in which S3 lists them. */

import { join } from 'node:path';
import { compareKeys, mergeByKey } from '../key-order.js';
import type { FolderNames } from './folder-names.js';
import { bucketFolder, keyOfOddPath, oddFolder } from './placement.js';

export interface KeyRequest {
  readonly root: string;
  readonly bucket: string;
  readonly prefix: string;
  /** No key before this one. */
  readonly from: string;
  readonly delimiter: string;
  readonly names: FolderNames;
}

export interface FoundKey {
  /** The key; or, for `kind: 'group'`, what all keys of the group start with. */
  readonly key: string;
  readonly kind: 'object' | 'group';
}

/**
 * Keys with the prefix, not before `from`; keys that share what comes before the next delimiter are one group.
 * Whether the object still is there is the caller's to see.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html
 */
export async function* listKeys(request: KeyRequest): AsyncGenerator<FoundKey> {
  let from: string | null = request.from;
  while (from !== null) {
    let group: string | null = null;
    let skipped = 0;
    const keys: AsyncGenerator<FoundKey> = keysFrom({ ...request, from });
    for await (const found of keys) {
      if (group !== null && found.key.startsWith(group)) {
        if (++skipped > SKIPPED_ONE_BY_ONE) break;
        continue;
      }
      const of: string | null = found.kind === 'group' ? found.key : groupOf(found.key, request);
      if (of !== null) {
        group = of;
        skipped = 0;
      }
      yield of === null ? found : { key: of, kind: 'group' };
    }
    from = skipped > SKIPPED_ONE_BY_ONE && group !== null ? afterPrefix(group) : null;
  }
}

/** The rest of a larger group is skipped by starting anew behind it. */
const SKIPPED_ONE_BY_ONE = 1_000;

function groupOf(key: string, { prefix, delimiter }: KeyRequest): string | null {
  if (delimiter === '') return null;
  const at = key.indexOf(delimiter, prefix.length);
  return at === -1 ? null : key.slice(0, at + delimiter.length);
}

/** The least text that is after all that start with this; null where there is none. */
export function afterPrefix(prefix: string): string | null {
  const points = Array.from(prefix);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = (last.codePointAt(0) ?? 0) + 1;
    if (point <= 0x10ffff) return points.join('') + String.fromCodePoint(point === 0xd800 ? 0xe000 : point);
  }
  return null;
}

/** The least text after this one. */
export function afterKey(key: string): string {
  return `${key}\0`;
}

function keysFrom(request: KeyRequest): AsyncGenerator<FoundKey> {
  const { root, bucket, prefix } = request;
  const from = compareKeys(request.from, prefix) < 0 ? prefix : request.from;
  const plain = walk({ ...request, from }, { path: bucketFolder(root, bucket), key: '' });
  return mergeByKey<FoundKey>([plain, oddKeys({ ...request, from })]);
}

interface Place {
  readonly path: string;
  /** Of the folder: empty, or ending with `/`. */
  readonly key: string;
}

/** Goes down into folders; `from` starts with or comes after the prefix. */
async function* walk(request: KeyRequest, place: Place): AsyncGenerator<FoundKey> {
  const { prefix, from, delimiter, names } = request;
  const found = await names.read(place.path);
  for (let index = firstIndex(found, place.key, from); index < found.count; index++) {
    const name = found.at(index);
    const key = place.key + name;
    const isFolder = name.endsWith('/');
    if (!key.startsWith(prefix)) {
      if (isFolder && prefix.startsWith(key)) yield* walk(request, below(place, name));
      if (compareKeys(key, prefix) > 0) return;
    } else if (!isFolder) yield { key, kind: 'object' };
    else if (delimiter === '/' && key.length > prefix.length) {
      if (await hasKeys(request, below(place, name))) yield { key, kind: 'group' };
    } else yield* walk(request, below(place, name));
  }
}

/** Of the names in the folder of `folderKey`, the first that can hold a key not before `from`. */
function firstIndex(
  found: { readonly lowerBound: (name: string) => number },
  folderKey: string,
  from: string,
): number {
  if (!from.startsWith(folderKey)) return 0;
  const rest = from.slice(folderKey.length);
  const slash = rest.indexOf('/');
  return found.lowerBound(slash === -1 ? rest : rest.slice(0, slash + 1));
}

function below({ path, key }: Place, name: string): Place {
  return { path: join(path, name.slice(0, -1)), key: key + name };
}

async function hasKeys(request: KeyRequest, place: Place): Promise<boolean> {
  const keys = walk({ ...request, delimiter: '' }, place);
  const first = await keys.next();
  await keys.return(undefined);
  return first.done !== true;
}

/** Keys that are no paths are few: they are sorted in memory. */
async function* oddKeys({ root, bucket, prefix, from, names }: KeyRequest): AsyncGenerator<FoundKey> {
  const keys: string[] = [];
  for await (const path of oddPaths(names, oddFolder(root, bucket), '')) {
    const key = keyOfOddPath(path);
    if (key?.startsWith(prefix) === true && compareKeys(key, from) >= 0) keys.push(key);
  }
  for (const key of keys.sort(compareKeys)) yield { key, kind: 'object' };
}

async function* oddPaths(names: FolderNames, folder: string, above: string): AsyncGenerator<string> {
  const found = await names.read(folder);
  for (let index = 0; index < found.count; index++) {
    const name = found.at(index);
    if (name.endsWith('/')) yield* oddPaths(names, join(folder, name), above + name);
    else yield above + name;
  }
}
