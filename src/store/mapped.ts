/** A store some prefixes of which are read from local folders. */

import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OptmlError } from '../errors.js';
import { changed, copyObjectFile, statFile } from './file-object.js';
import { mergeByKey } from './key-order.js';
import { covers, folderPrefix, type Mapping } from './mapping.js';
import type { ListedObject, ObjectAddress, ObjectReading, Store, StoredObject } from './port.js';
import { readObjectFile } from './read-file.js';
import { isInside, realPath, walkFolder } from './walk-folder.js';

/**
 * `inner` with the maps before it: what a map covers is read from its folder or file, hides what `inner` has there,
 * and is never written. Where two maps cover one key, the deeper one counts. Links in a mapped folder are followed
 * as long as they stay in it, and left out otherwise.
 */
export function mapStore(inner: Store, mappings: readonly Mapping[]): Store {
  if (mappings.length === 0) return inner;
  const deepestFirst = [...mappings].sort((a, b) => b.prefix.length - a.prefix.length);

  function mapOf(address: ObjectAddress): Mapping | undefined {
    return deepestFirst.find(mapping => covers(mapping, address));
  }

  function list(prefix: ObjectAddress, signal: AbortSignal): AsyncIterable<StoredObject> {
    const touched = deepestFirst.filter(mapping => touches(mapping, prefix));
    const sources = touched.map(mapping => onlyOf({ of: mapping, prefix, signal, mapOf }));
    // A prefix that lies in a mapped folder is answered by it alone: the store need not even be there.
    const alone = touched.some(mapping => mapping.kind === 'folder' && covers(mapping, prefix));
    if (!alone) sources.push(unmapped({ inner, prefix, signal, mapOf, mayMiss: touched.length > 0 }));
    return mergeByKey(sources);
  }

  async function download(
    object: ObjectAddress & ListedObject,
    file: string,
    options: { readonly signal: AbortSignal; readonly onBytes?: (bytes: number) => void },
  ): Promise<void> {
    const mapping = mapOf(object);
    if (mapping === undefined) return inner.download(object, file, options);
    const source = sourceOf(mapping, object);
    if (source === null) throw changed(object, 'it is gone');
    await copyObjectFile({ source, object, file, ...options });
  }

  async function read(object: ObjectAddress & ListedObject, signal: AbortSignal): Promise<ObjectReading> {
    const mapping = mapOf(object);
    if (mapping === undefined) return inner.read(object, signal);
    const source = sourceOf(mapping, object);
    if (source === null) throw changed(object, 'it is gone');
    return readObjectFile(source, object, signal);
  }

  function assertWritable(address: ObjectAddress): void {
    // An output prefix without its slash still means the folder.
    const mapping = mapOf(address) ?? mapOf({ ...address, key: `${address.key}/` });
    if (mapping !== undefined)
      throw new OptmlError(
        'REQUEST_REFUSED',
        `s3://${address.bucket}/${address.key} cannot be written: --map s3://${mapping.bucket}/${mapping.prefix}=${mapping.target} makes it read-only; send the output elsewhere, or take the map out.`,
      );
  }

  return {
    name: inner.name,
    list,
    download,
    read,
    async upload(address, body, options) {
      assertWritable(address);
      await inner.upload(address, body, options);
    },
    async remove(address, signal) {
      assertWritable(address);
      await inner.remove(address, signal);
    },
    abandon: (upload, signal) => inner.abandon(upload, signal),
    async prepareOutput(prefix, signal) {
      assertWritable(prefix);
      await inner.prepareOutput(prefix, signal);
    },
    locate: address => inner.locate(address),
    check: signal => inner.check(signal),
    close: () => inner.close(),
  };
}

type MapOf = (address: ObjectAddress) => Mapping | undefined;

/** Can keys of the map start with this prefix? */
function touches({ bucket, prefix, kind }: Mapping, asked: ObjectAddress): boolean {
  if (bucket !== asked.bucket) return false;
  if (kind === 'file') return prefix.startsWith(asked.key);
  const folder = folderPrefix(prefix);
  return folder.startsWith(asked.key) || asked.key.startsWith(folder);
}

async function* onlyOf({
  of: mapping,
  prefix,
  signal,
  mapOf,
}: {
  readonly of: Mapping;
  readonly prefix: ObjectAddress;
  readonly signal: AbortSignal;
  readonly mapOf: MapOf;
}): AsyncGenerator<StoredObject> {
  for await (const object of mappedObjects(mapping, prefix.key, signal))
    if (mapOf({ bucket: mapping.bucket, key: object.key }) === mapping) yield object;
}

async function* mappedObjects(
  { prefix, kind, target }: Mapping,
  asked: string,
  signal: AbortSignal,
): AsyncGenerator<StoredObject> {
  assertThere(target, prefix);
  if (kind === 'file') {
    const facts = statFile(realPath(target) ?? target);
    if (facts !== null && prefix.startsWith(asked)) yield { key: prefix, ...facts };
    return;
  }
  const folder = folderPrefix(prefix);
  const within = asked.startsWith(folder) ? asked.slice(folder.length) : '';
  for await (const file of walkFolder({ folder: target, prefix: within, links: 'inside', signal }))
    yield { ...file, key: folder + file.key };
}

/** A mapped folder that went away must not read as an empty channel. */
function assertThere(target: string, prefix: string): void {
  if (statSync(target, { throwIfNoEntry: false }) === undefined)
    throw new OptmlError(
      'FILE_UNUSABLE',
      `${target}, which is mapped to "${prefix}", is not there any more: expected the folder or file that --map names; bring it back, or mend the map.`,
    );
}

async function* unmapped({
  inner,
  prefix,
  signal,
  mapOf,
  mayMiss,
}: {
  readonly inner: Store;
  readonly prefix: ObjectAddress;
  readonly signal: AbortSignal;
  readonly mapOf: MapOf;
  /** The bucket exists through its map, whether or not the store has it. */
  readonly mayMiss: boolean;
}): AsyncGenerator<StoredObject> {
  try {
    for await (const object of inner.list(prefix, signal))
      if (mapOf({ bucket: prefix.bucket, key: object.key }) === undefined) yield object;
  } catch (thrown) {
    if (!(mayMiss && thrown instanceof OptmlError && thrown.code === 'BUCKET_MISSING')) throw thrown;
  }
}

/** The real file behind a mapped key; null where there is none, or a link leads out of the folder. */
function sourceOf({ prefix, kind, target }: Mapping, { key }: ObjectAddress): string | null {
  if (kind === 'file') return realPath(target);
  const root = realPath(target);
  const relative = key.slice(folderPrefix(prefix).length);
  if (root === null || relative.includes('\0')) return null;
  const real = realPath(join(root, dirname(relative), basename(relative)));
  return real !== null && isInside(real, root) ? real : null;
}
