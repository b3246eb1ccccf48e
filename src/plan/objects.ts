/** Object → path, and the lines of the `<channel>-manifest` file: pure functions over a channel's listing (contract §1.5). */
import type { S3Location } from '../job/s3-location.js';
import type { S3Channel } from '../job/channel.js';

/**
 * The local name of `key` for a channel whose URI has the key part `prefix`; relative to the channel's folder.
 *
 * - `prefix` empty or ending in `/`: the rest of the key
 * - `prefix` is a folder written without its slash: the rest after the slash
 * - `prefix` is the key: its base name
 * - otherwise the prefix ends in the middle of a name: that name stays whole (`data/train` → `train-x.csv`)
 *
 * Applied to each key for itself, also where one prefix matches a folder and names beside it (UNCONFIRMED). The name of a
 * folder marker (`prefix/sub/`) ends in `/`; that of the channel's own folder is empty.
 */
export function localName(prefix: string, key: string): string {
  if (prefix === '' || prefix.endsWith('/')) return key.slice(prefix.length);
  if (key.startsWith(`${prefix}/`)) return key.slice(prefix.length + 1);
  return key.slice(prefix.lastIndexOf('/') + 1);
}

/**
 * The local name of an object of this channel. Behind a manifest it is the whole key: neither the manifest's prefix nor any
 * part of it is cut off (UNCONFIRMED: one report of 2019, contract §1.5).
 */
export function nameInChannel(
  { dataType, location }: Pick<S3Channel, 'dataType' | 'location'>,
  key: string,
): string {
  return dataType === 'S3Prefix' ? localName(location.key, key) : key;
}

/** Every `of`-th object, from `index` on. All of them: `{ index: 0, of: 1 }`. */
export interface Share {
  readonly index: number;
  readonly of: number;
}

/**
 * Does the object at `position` of a listing go to this share? ShardedByS3Key deals the listing out: position `i` goes to
 * host `i mod n` (contract §1.5).
 */
export function isInShare(position: number, { index, of }: Share): boolean {
  return position % of === index;
}

/** First line: the key part of the URI as given, with no slash added. */
export function manifestHead(location: S3Location): string {
  return `${location.key}\n`;
}

/** One line an object, in the order of the listing, before any sharding. */
export function manifestLine(location: S3Location, key: string): string {
  return `s3://${location.bucket}/${key}\n`;
}
