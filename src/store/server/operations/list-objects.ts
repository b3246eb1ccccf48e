/** ListObjects, both versions. */

import { hash } from 'node:crypto';
import { statObject, type StoredObject } from '../../embedded/object-files.js';
import { afterKey, afterPrefix, listKeys } from '../../embedded/list-keys.js';
import { modifiedAt } from '../../embedded/file-stamp.js';
import { encodeKey } from '../../../aws/percent-encoding.js';
import { xmlAnswer, type Answer } from '../answer.js';
import { numberIn, type Context } from '../context.js';
import { S3Error } from '../s3-error.js';
import { document, element, isoTime, join, quoted, type Xml } from '../write-xml.js';
import { OWNER } from './owner.js';

const PAGE = 1000;

interface Page {
  readonly contents: readonly (StoredObject & { readonly key: string })[];
  readonly groups: readonly string[];
  /** The last key or group of a page that is not the last; undefined on the last page. */
  readonly last: string | undefined;
  /** Where the next page begins. */
  readonly next: string | null;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
export async function listObjectsOperation(context: Context): Promise<Answer> {
  const { request } = context;
  const asked = askedFor(context);
  const marker = request.query.get('marker') ?? '';
  const page = await readPage(context, { ...asked, from: fromMarker(marker, asked) });
  return xmlAnswer(
    document('ListBucketResult', [
      element('Name', request.bucket),
      element('Prefix', asked.encode(asked.prefix)),
      element('Marker', asked.encode(marker)),
      element(
        'NextMarker',
        asked.delimiter === '' || page.last === undefined ? undefined : asked.encode(page.last),
      ),
      ...shared(asked, page),
      ...contents(page, { encode: asked.encode, owner: true }),
    ]),
  );
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export async function listObjectsV2Operation(context: Context): Promise<Answer> {
  const { query, bucket } = context.request;
  if (query.get('list-type') !== '2')
    throw new S3Error('InvalidArgument', 'Invalid List Type specified in Request', {
      details: { ArgumentName: 'list-type', ArgumentValue: query.get('list-type') ?? '' },
    });
  const asked = askedFor(context);
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after');
  const from =
    token !== undefined
      ? readToken(token)
      : startAfter !== undefined && startAfter !== ''
        ? afterKey(startAfter)
        : '';
  const page = await readPage(context, { ...asked, from });
  return xmlAnswer(
    document('ListBucketResult', [
      element('Name', bucket),
      element('Prefix', asked.encode(asked.prefix)),
      element('StartAfter', startAfter === undefined ? undefined : asked.encode(startAfter)),
      element('ContinuationToken', token),
      element('NextContinuationToken', page.next === null ? undefined : writeToken(page.next)),
      element('KeyCount', page.contents.length + page.groups.length),
      ...shared(asked, page),
      ...contents(page, { encode: asked.encode, owner: query.get('fetch-owner') === 'true' }),
    ]),
  );
}

interface Asked {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  readonly encoding: string | undefined;
  readonly encode: (text: string) => string;
}

function askedFor({ request }: Context): Asked {
  const { query } = request;
  const encoding = query.get('encoding-type');
  if (encoding !== undefined && encoding !== 'url')
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', {
      details: { ArgumentName: 'encoding-type', ArgumentValue: encoding },
    });
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    maxKeys: Math.min(PAGE, numberIn(request, 'max-keys', { least: 0, most: 2 ** 31 - 1, without: PAGE })),
    encoding,
    encode: encoding === 'url' ? encodeKey : text => text,
  };
}

/** A marker that is a group stands for all of it. */
function fromMarker(marker: string, { prefix, delimiter }: Asked): string {
  if (marker === '') return '';
  const isGroup =
    delimiter !== '' &&
    marker.startsWith(prefix) &&
    marker.indexOf(delimiter, prefix.length) === marker.length - delimiter.length;
  return (isGroup ? afterPrefix(marker) : null) ?? afterKey(marker);
}

async function readPage(
  { request: { bucket }, store }: Context,
  { prefix, delimiter, maxKeys, from }: Asked & { readonly from: string },
): Promise<Page> {
  const found: (StoredObject & { readonly key: string })[] = [];
  const groups: string[] = [];
  let last: string | undefined;
  let next: string | null = null;
  if (maxKeys === 0) return { contents: found, groups, last, next };
  const { root, names } = store;
  for await (const { key, kind } of listKeys({ root, bucket, prefix, delimiter, from, names })) {
    const object = kind === 'object' ? statObject(root, { bucket, key }) : null;
    // What was deleted since the names were read is not there.
    if (kind === 'object' && object === null) continue;
    if (found.length + groups.length === maxKeys) return { contents: found, groups, last, next };
    if (object === null) groups.push(key);
    else found.push({ key, ...object });
    last = key;
    next = kind === 'group' ? afterPrefix(key) : afterKey(key);
  }
  return { contents: found, groups, last: undefined, next: null };
}

function shared({ delimiter, maxKeys, encoding, encode }: Asked, page: Page): Xml[] {
  return [
    element('MaxKeys', maxKeys),
    element('Delimiter', delimiter === '' ? undefined : encode(delimiter)),
    element('EncodingType', encoding),
    element('IsTruncated', page.last !== undefined),
  ];
}

function contents(
  page: Page,
  { encode, owner }: { readonly encode: (text: string) => string; readonly owner: boolean },
): Xml[] {
  return [
    ...page.contents.map(({ key, stamp, size, record }) =>
      element(
        'Contents',
        join([
          element('Key', encode(key)),
          element('LastModified', isoTime(modifiedAt(stamp))),
          element('ETag', quoted(record.etag)),
          element('ChecksumAlgorithm', record.checksum?.algorithm.toUpperCase()),
          element('ChecksumType', record.checksum?.type),
          element('Size', size),
          owner ? OWNER : { xml: '' },
          element('StorageClass', record.headers['x-amz-storage-class'] ?? 'STANDARD'),
        ]),
      ),
    ),
    ...page.groups.map(group => element('CommonPrefixes', element('Prefix', encode(group)))),
  ];
}

/** Nobody's business what is in it; the digest in front tells it from any other text. */
function writeToken(next: string): string {
  return `${hash('sha256', next).slice(0, 8)}${Buffer.from(next).toString('base64url')}`;
}

function readToken(token: string): string {
  const next = Buffer.from(token.slice(8), 'base64url').toString();
  if (writeToken(next) !== token)
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
      details: { ArgumentName: 'continuation-token', ArgumentValue: token },
    });
  return next;
}
