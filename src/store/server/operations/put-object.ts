/** PutObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */

import type { ObjectRecord } from '../../embedded/object-record.js';
import type { Answer } from '../answer.js';
import { receive, type Context } from '../context.js';
import { checksumHeaders, describedIn, encryptionOf, tagsIn } from '../object-headers.js';
import { writeCondition } from '../preconditions.js';
import { quoted } from '../write-xml.js';
import { makeObject } from './make-object.js';

export async function putObjectOperation(context: Context): Promise<Answer> {
  const { request } = context;
  const headers = describedIn(request);
  const tags = tagsIn(request);
  const condition = writeCondition(request);
  const { path, stamp, md5, checksum } = await receive(context, null);
  const record: ObjectRecord = {
    etag: md5,
    headers,
    ...(checksum === null ? {} : { checksum: { ...checksum, type: 'FULL_OBJECT' } }),
    ...(tags.length === 0 ? {} : { tags }),
  };
  await makeObject(context, { file: { path, stamp }, record, condition });
  return {
    status: 200,
    headers: { etag: quoted(md5), ...checksumHeaders(record), ...encryptionOf(headers) },
  };
}
