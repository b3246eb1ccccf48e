/** What the flags of `train` and `process` have in common: names, pairs, numbers, places of this machine. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { OptmlError } from '../../errors.js';

/** Local folders stand in the request as places of this bucket, which a map leads back to the folder. */
const LOCAL_BUCKET = 'optml-local';

/** As the SageMaker SDKs name jobs: a base and the time. Throws USAGE for an image without a name. */
export function jobNameOf(image: string, time: Date): string {
  const leaf =
    image
      .split('/')
      .at(-1)
      ?.replace(/[:@].*$/, '') ?? '';
  const base = leaf
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 38);
  return `${base === '' ? 'job' : base}-${time.toISOString().replace(/[T:.]/g, '-').slice(0, 23)}`;
}

export function requireImage(image: string): void {
  if (image.trim() === '')
    throw new OptmlError('USAGE', `--image is "${image}": expected the name of an image.`);
}

export interface Place {
  readonly uri: string;
  /** `s3://…=folder` for what lies on this machine. */
  readonly map: string | null;
}

/** An S3 URI as it stands; a folder or file of this machine becomes one, with the map that leads back. Throws USAGE. */
export function placeOf(
  place: string,
  at: { readonly flag: string; readonly folder: string; readonly job: string; readonly name: string },
): Place {
  if (/^(s3|https):\/\//.test(place)) return { uri: place, map: null };
  const path = resolve(at.folder, place);
  if (!existsSync(path))
    throw new OptmlError(
      'USAGE',
      `${at.flag}: there is no "${place}" here: expected an s3:// URI, or a folder or file of this machine.`,
    );
  const uri = `s3://${LOCAL_BUCKET}/${at.job}/${at.name}`;
  const leaf = path.split('/').at(-1) ?? '';
  return statSync(path).isDirectory()
    ? { uri: `${uri}/`, map: `${uri}=${path}` }
    : { uri: `${uri}/${leaf}`, map: `${uri}/${leaf}=${path}` };
}

export function pairs(texts: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(texts.map(text => pair(text, flag, 'key=value')));
}

export function pair(text: string, flag: string, expected: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new OptmlError('USAGE', `${flag} "${text}": expected ${expected}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

export function wholeNumber(text: string, flag: string): number {
  if (!/^\d+$/.test(text)) throw new OptmlError('USAGE', `${flag} "${text}": expected a whole number.`);
  return Number(text);
}

/** `30` or `60,30.5`: more than nothing each, and less than a timer holds. None for a flag that was not given. */
export function secondsOf(text: string | undefined, flag: string): number[] {
  if (text === undefined) return [];
  const found = text.split(',').map(part => part.trim());
  const bad = found.find(part => !/^\d+(\.\d+)?$/.test(part) || Number(part) === 0 || Number(part) > LONGEST);
  if (bad !== undefined)
    throw new OptmlError('USAGE', `${flag} "${text}": expected seconds, such as 30 or 60,30.`);
  return found.map(Number);
}

/** 24 days, in seconds. */
const LONGEST = 24 * 24 * 3600;
