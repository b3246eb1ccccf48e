/** CopyObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */

import { closeSync } from 'node:fs';
import { modifiedAt } from '../../embedded/file-stamp.js';
import type { OpenObject } from '../../embedded/object-files.js';
import type { ObjectRecord, Tag } from '../../embedded/object-record.js';
import { xmlAnswer, type Answer } from '../answer.js';
import { algorithmNamed, type Algorithm } from '../checksums.js';
import type { Context } from '../context.js';
import { copyToFile, openCopySource } from '../copy-source.js';
import { algorithmIn } from '../declared-digests.js';
import {
  contentIn,
  describedIn,
  encryptionIn,
  encryptionOf,
  tagsIn,
  withoutEncryption,
} from '../object-headers.js';
import { writeCondition } from '../preconditions.js';
import { headerOf, type S3Request } from '../request.js';
import type { ReceivedFile } from '../receive-file.js';
import { S3Error } from '../s3-error.js';
import { document, element, isoTime, quoted } from '../write-xml.js';
import { makeObject } from './make-object.js';
import { checksumElement } from './part-elements.js';

export async function copyObjectOperation(context: Context): Promise<Answer> {
  const { request, store } = context;
  const directives = readDirectives(request);
  const condition = writeCondition(request);
  const source = openCopySource(context);
  try {
    refuseUnchanging(context, { source: source.address, replaces: directives.metadata === 'REPLACE' });
    const headers = headersOf(request, { source, replaces: directives.metadata === 'REPLACE' });
    const tags = directives.tagging === 'REPLACE' ? tagsIn(request) : (source.record.tags ?? []);
    const algorithm = algorithmIn(request, 'x-amz-checksum-algorithm') ?? keptAlgorithm(source.record);
    const file = await copyToFile({ root: store.root, source, range: null, algorithm });
    const record = recordOf(file, { headers, tags });
    await makeObject(context, { file, record, condition });
    return copied(file, record);
  } finally {
    closeSync(source.descriptor);
  }
}

function copied({ stamp, md5 }: ReceivedFile, { checksum, headers }: ObjectRecord): Answer {
  return xmlAnswer(
    document('CopyObjectResult', [
      element('LastModified', isoTime(modifiedAt(stamp))),
      element('ETag', quoted(md5)),
      ...(checksum === undefined ? [] : [element('ChecksumType', checksum.type), checksumElement(checksum)]),
    ]),
    encryptionOf(headers),
  );
}

function recordOf(
  { md5, checksum }: ReceivedFile,
  { headers, tags }: { readonly headers: Readonly<Record<string, string>>; readonly tags: readonly Tag[] },
): ObjectRecord {
  return {
    etag: md5,
    headers,
    ...(checksum === null ? {} : { checksum: { ...checksum, type: 'FULL_OBJECT' } }),
    ...(tags.length === 0 ? {} : { tags }),
  };
}

/** A copy is one piece: its checksum is that of the whole, by the source's algorithm. */
function keptAlgorithm({ checksum }: ObjectRecord): Algorithm | null {
  return checksum === undefined ? null : algorithmNamed(checksum.algorithm);
}

function headersOf(
  request: S3Request,
  { source, replaces }: { readonly source: OpenObject; readonly replaces: boolean },
): Readonly<Record<string, string>> {
  if (replaces) return describedIn(request);
  const storage = contentIn(request)['x-amz-storage-class'];
  return {
    ...withoutEncryption(source.record.headers),
    ...(storage === undefined ? {} : { 'x-amz-storage-class': storage }),
    ...encryptionIn(request),
  };
}

function readDirectives(request: S3Request): { readonly metadata: string; readonly tagging: string } {
  const metadata = headerOf(request, 'x-amz-metadata-directive') ?? 'COPY';
  const tagging = headerOf(request, 'x-amz-tagging-directive') ?? 'COPY';
  if (metadata !== 'COPY' && metadata !== 'REPLACE')
    throw new S3Error('InvalidArgument', 'Unknown metadata directive.', {
      details: { ArgumentName: 'x-amz-metadata-directive', ArgumentValue: metadata },
    });
  if (tagging !== 'COPY' && tagging !== 'REPLACE')
    throw new S3Error('InvalidArgument', 'Unknown tagging directive.', {
      details: { ArgumentName: 'x-amz-tagging-directive', ArgumentValue: tagging },
    });
  return { metadata, tagging };
}

/** A copy of an object onto itself must change something. */
function refuseUnchanging(
  { request }: Context,
  {
    source,
    replaces,
  }: { readonly source: { readonly bucket: string; readonly key: string }; readonly replaces: boolean },
): void {
  const same = source.bucket === request.bucket && source.key === request.key;
  const changes =
    replaces ||
    headerOf(request, 'x-amz-tagging-directive') === 'REPLACE' ||
    [
      'x-amz-storage-class',
      'x-amz-website-redirect-location',
      'x-amz-server-side-encryption',
      'x-amz-checksum-algorithm',
    ].some(name => headerOf(request, name) !== undefined);
  if (same && !changes)
    throw new S3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
}
