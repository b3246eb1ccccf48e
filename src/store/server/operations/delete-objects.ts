/** DeleteObject and DeleteObjects. */

import { deleteObject } from '../../embedded/object-files.js';
import { xmlAnswer, type Answer } from '../answer.js';
import { addressOf, receiveDocument, type Context } from '../context.js';
import { assertDone, unquoted, writeCondition } from '../preconditions.js';
import { readXml, textIn, treesIn } from '../read-xml.js';
import { asS3Error, S3Error } from '../s3-error.js';
import { document, element, join, type Xml } from '../write-xml.js';

const MOST = 1000;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
export async function deleteObjectOperation(context: Context): Promise<Answer> {
  const { request, store } = context;
  const outcome = await deleteObject({
    root: store.root,
    address: addressOf(context),
    condition: writeCondition(request),
  });
  assertDone(outcome, request.key);
  return { status: 204 };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export async function deleteObjectsOperation(context: Context): Promise<Answer> {
  const tree = readXml(await receiveDocument(context), 'Delete');
  const quiet = textIn(tree, 'Quiet')?.trim() === 'true';
  const objects = treesIn(tree, 'Object').map(object => ({
    key: textIn(object, 'Key') ?? '',
    version: textIn(object, 'VersionId'),
    etag: textIn(object, 'ETag'),
  }));
  if (objects.length === 0 || objects.length > MOST || objects.some(({ key }) => key === ''))
    throw new S3Error('MalformedXML');
  const results: Xml[] = [];
  for (const object of objects) results.push(await deleteOne(context, { ...object, quiet }));
  return xmlAnswer(document('DeleteResult', results));
}

async function deleteOne(
  { request: { bucket }, store, caller }: Context,
  {
    key,
    version,
    etag,
    quiet,
  }: {
    readonly key: string;
    readonly version: string | undefined;
    readonly etag: string | undefined;
    readonly quiet: boolean;
  },
): Promise<Xml> {
  try {
    if (caller.key.may?.({ operation: 'DeleteObject', bucket, key }) === false)
      throw new S3Error('AccessDenied');
    if (version !== undefined && version !== 'null') throw new S3Error('NoSuchVersion');
    const outcome = await deleteObject({
      root: store.root,
      address: { bucket, key },
      condition: etag === undefined ? { kind: 'none' } : { kind: 'etag', etag: unquoted(etag) },
    });
    assertDone(outcome, key);
    return quiet ? { xml: '' } : element('Deleted', element('Key', key));
  } catch (thrown) {
    const { code, message } = asS3Error(thrown);
    return element('Error', join([element('Key', key), element('Code', code), element('Message', message)]));
  }
}
