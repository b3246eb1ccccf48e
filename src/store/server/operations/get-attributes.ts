/** GetObjectAttributes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */

import { modifiedAt } from '../../embedded/file-stamp.js';
import { statObject } from '../../embedded/object-files.js';
import type { ObjectRecord } from '../../embedded/object-record.js';
import { xmlAnswer, type Answer } from '../answer.js';
import { addressOf, type Context } from '../context.js';
import { headerOf } from '../request.js';
import { S3Error } from '../s3-error.js';
import { document, element, join, type Xml } from '../write-xml.js';
import { noSuchKey } from './get-object.js';
import { checksumElement } from './part-elements.js';

const ATTRIBUTES: readonly string[] = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'];
const PARTS = 1000;

export function getObjectAttributesOperation(context: Context): Answer {
  const { request } = context;
  const wanted = headerOf(request, 'x-amz-object-attributes')
    ?.split(',')
    .map(name => name.trim());
  if (wanted === undefined || wanted.some(name => !ATTRIBUTES.includes(name)))
    throw new S3Error('InvalidArgument', 'Invalid attribute name specified.', {
      details: { ArgumentName: 'x-amz-object-attributes' },
    });
  const object = statObject(context.store.root, addressOf(context));
  if (object === null) throw noSuchKey(context);
  const { record, size, stamp } = object;
  const elements: Readonly<Record<string, () => Xml>> = {
    ETag: () => element('ETag', record.etag),
    Checksum: () =>
      record.checksum === undefined
        ? { xml: '' }
        : element(
            'Checksum',
            join([checksumElement(record.checksum), element('ChecksumType', record.checksum.type)]),
          ),
    ObjectParts: () => partsElement(record, context),
    StorageClass: () => element('StorageClass', record.headers['x-amz-storage-class'] ?? 'STANDARD'),
    ObjectSize: () => element('ObjectSize', size),
  };
  const chosen = ATTRIBUTES.filter(name => wanted.includes(name)).map(
    name => elements[name]?.() ?? { xml: '' },
  );
  return xmlAnswer(document('GetObjectAttributesResponse', chosen), {
    'last-modified': new Date(modifiedAt(stamp)).toUTCString(),
  });
}

/** Parts are listed only where they have checksums. */
function partsElement({ parts, checksum }: ObjectRecord, { request }: Context): Xml {
  if (parts === undefined) return { xml: '' };
  const most = numberHeader(headerOf(request, 'x-amz-max-parts'), PARTS);
  const marker = numberHeader(headerOf(request, 'x-amz-part-number-marker'), 0);
  const after = parts.filter(part => part.partNumber > marker);
  const page = after.slice(0, Math.min(most, PARTS));
  const last = page.at(-1)?.partNumber ?? marker;
  const listed = checksum === undefined || parts.some(part => part.checksum === undefined) ? null : checksum;
  return element(
    'ObjectParts',
    join([
      element('PartsCount', parts.length),
      ...(listed === null
        ? []
        : [
            element('PartNumberMarker', marker),
            element('NextPartNumberMarker', last),
            element('MaxParts', most),
            element('IsTruncated', after.length > page.length),
            ...page.map(part =>
              element(
                'Part',
                join([
                  element('PartNumber', part.partNumber),
                  element('Size', part.size),
                  checksumElement({ algorithm: listed.algorithm, value: part.checksum ?? '' }),
                ]),
              ),
            ),
          ]),
    ]),
  );
}

function numberHeader(text: string | undefined, without: number): number {
  if (text === undefined) return without;
  if (!/^\d{1,9}$/.test(text)) throw new S3Error('InvalidArgument');
  return Number(text);
}
