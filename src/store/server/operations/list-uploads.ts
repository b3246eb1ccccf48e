/** ListParts and ListMultipartUploads. */

import { afterKey, afterPrefix } from '../../embedded/list-keys.js';
import { listParts, listUploads } from '../../embedded/multipart-uploads.js';
import { encodeKey } from '../../../aws/percent-encoding.js';
import { compareKeys } from '../../key-order.js';
import { xmlAnswer, type Answer } from '../answer.js';
import { numberIn, type Context } from '../context.js';
import { document, element, isoTime, join, quoted, type Xml } from '../write-xml.js';
import { uploadAddress, uploadOf } from './multipart.js';
import { INITIATOR, OWNER } from './owner.js';
import { checksumElement } from './part-elements.js';

const PAGE = 1000;
const ANY = { least: 0, most: 2 ** 31 - 1 };

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
export async function listPartsOperation(context: Context): Promise<Answer> {
  const { request, store } = context;
  const head = uploadOf(context);
  const { uploadId } = uploadAddress(context);
  const most = Math.min(PAGE, numberIn(request, 'max-parts', { ...ANY, without: PAGE }));
  const marker = numberIn(request, 'part-number-marker', { ...ANY, without: 0 });
  const after = (await listParts(store.root, uploadAddress(context))).filter(
    part => part.partNumber > marker,
  );
  const page = after.slice(0, most);
  return xmlAnswer(
    document('ListPartsResult', [
      element('Bucket', request.bucket),
      element('Key', request.query.get('encoding-type') === 'url' ? encodeKey(request.key) : request.key),
      element('UploadId', uploadId),
      INITIATOR,
      OWNER,
      element('StorageClass', head.headers['x-amz-storage-class'] ?? 'STANDARD'),
      element('ChecksumAlgorithm', head.checksum?.algorithm.toUpperCase()),
      element('ChecksumType', head.checksum?.type),
      element('PartNumberMarker', marker),
      element('NextPartNumberMarker', page.at(-1)?.partNumber ?? marker),
      element('MaxParts', most),
      element('IsTruncated', after.length > page.length),
      ...page.map(part =>
        element(
          'Part',
          join([
            element('PartNumber', part.partNumber),
            element('LastModified', isoTime(part.modified)),
            element('ETag', quoted(part.etag)),
            element('Size', part.size),
            ...(part.checksum === null ? [] : [checksumElement(part.checksum)]),
          ]),
        ),
      ),
    ]),
  );
}

type Entry =
  | { readonly kind: 'upload'; readonly key: string; readonly uploadId: string; readonly xml: Xml }
  | { readonly kind: 'group'; readonly key: string };

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export async function listMultipartUploadsOperation({ request, store }: Context): Promise<Answer> {
  const { query, bucket } = request;
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const most = Math.min(PAGE, numberIn(request, 'max-uploads', { ...ANY, without: PAGE }));
  const encode = query.get('encoding-type') === 'url' ? encodeKey : (text: string): string => text;

  const entries: Entry[] = [];
  for (const { key, uploadId, initiated, headers, checksum } of await listUploads(store.root, bucket)) {
    if (!key.startsWith(prefix) || !isAfter({ key, uploadId }, { keyMarker, idMarker, delimiter })) continue;
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    if (at !== -1) {
      const group = key.slice(0, at + delimiter.length);
      if (entries.at(-1)?.key !== group) entries.push({ kind: 'group', key: group });
      continue;
    }
    const xml = element(
      'Upload',
      join([
        element('Key', encode(key)),
        element('UploadId', uploadId),
        INITIATOR,
        OWNER,
        element('StorageClass', headers['x-amz-storage-class'] ?? 'STANDARD'),
        element('Initiated', isoTime(initiated)),
        element('ChecksumAlgorithm', checksum?.algorithm.toUpperCase()),
        element('ChecksumType', checksum?.type),
      ]),
    );
    entries.push({ kind: 'upload', key, uploadId, xml });
  }
  const page = entries.slice(0, most);
  const last = entries.length > page.length ? page.at(-1) : undefined;
  return xmlAnswer(
    document('ListMultipartUploadsResult', [
      element('Bucket', bucket),
      element('KeyMarker', encode(keyMarker)),
      element('UploadIdMarker', idMarker),
      element('NextKeyMarker', last === undefined ? '' : encode(last.key)),
      element('NextUploadIdMarker', last?.kind === 'upload' ? last.uploadId : ''),
      element('Prefix', encode(prefix)),
      element('Delimiter', delimiter === '' ? undefined : encode(delimiter)),
      element('EncodingType', query.get('encoding-type')),
      element('MaxUploads', most),
      element('IsTruncated', last !== undefined),
      ...page.map(entry =>
        entry.kind === 'upload' ? entry.xml : element('CommonPrefixes', element('Prefix', encode(entry.key))),
      ),
    ]),
  );
}

/** Without an upload id the marker stands for all uploads of its key; a group's for all of the group. */
function isAfter(
  { key, uploadId }: { readonly key: string; readonly uploadId: string },
  {
    keyMarker,
    idMarker,
    delimiter,
  }: { readonly keyMarker: string; readonly idMarker: string; readonly delimiter: string },
): boolean {
  if (keyMarker === '') return true;
  if (idMarker !== '' && key === keyMarker) return uploadId > idMarker;
  const isGroup = delimiter !== '' && keyMarker.endsWith(delimiter);
  const from = (isGroup ? afterPrefix(keyMarker) : null) ?? afterKey(keyMarker);
  return compareKeys(key, from) >= 0;
}
