/** GetObjectTagging, PutObjectTagging, DeleteObjectTagging. */

import { statObject, type StoredObject } from '../../embedded/object-files.js';
import { replaceRecord, type ObjectRecord, type Tag } from '../../embedded/object-record.js';
import { xmlAnswer, type Answer } from '../answer.js';
import { addressOf, receiveDocument, type Context } from '../context.js';
import { checkedTags } from '../object-headers.js';
import { readXml, textIn, treeIn, treesIn } from '../read-xml.js';
import { S3Error } from '../s3-error.js';
import { document, element, join } from '../write-xml.js';
import { noSuchKey } from './get-object.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html */
export function getObjectTaggingOperation(context: Context): Answer {
  const tags = found(context).record.tags ?? [];
  return xmlAnswer(
    document('Tagging', [
      element(
        'TagSet',
        join(
          tags.map(([key, value]) => element('Tag', join([element('Key', key), element('Value', value)]))),
        ),
      ),
    ]),
  );
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html */
export async function putObjectTaggingOperation(context: Context): Promise<Answer> {
  const set = treeIn(readXml(await receiveDocument(context), 'Tagging'), 'TagSet');
  if (set === null) throw new S3Error('MalformedXML');
  const tags = treesIn(set, 'Tag').map((tag): Tag => [textIn(tag, 'Key') ?? '', textIn(tag, 'Value') ?? '']);
  replaceTags(context, checkedTags(tags));
  return { status: 200 };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html */
export function deleteObjectTaggingOperation(context: Context): Answer {
  replaceTags(context, []);
  return { status: 204 };
}

function replaceTags(context: Context, tags: readonly Tag[]): void {
  const { stamp, record } = found(context);
  const changed: ObjectRecord = { ...record, tags };
  replaceRecord({ root: context.store.root, address: addressOf(context), stamp, record: changed });
}

function found(context: Context): StoredObject {
  const object = statObject(context.store.root, addressOf(context));
  if (object === null) throw noSuchKey(context);
  return object;
}
