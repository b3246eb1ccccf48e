/** PutObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */

import { rm } from 'node:fs/promises';
import { writeObject } from '../../embedded/object-files.js';
import type { ObjectRecord } from '../../embedded/object-record.js';
import type { Answer } from '../answer.js';
import { addressOf, receive, type Context } from '../context.js';
import { checksumHeaders, describedIn, encryptionOf, tagsIn } from '../object-headers.js';
import { assertDone, writeCondition } from '../preconditions.js';
import { quoted } from '../write-xml.js';

export async function putObjectOperation(context: Context): Promise<Answer> {
  const { request, store } = context;
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
  try {
    const outcome = await writeObject({
      root: store.root,
      address: addressOf(context),
      temporary: path,
      stamp,
      record,
      condition,
    });
    assertDone(outcome, request.key);
  } catch (thrown) {
    await rm(path, { force: true });
    throw thrown;
  }
  return {
    status: 200,
    headers: { etag: quoted(md5), ...checksumHeaders(record), ...encryptionOf(headers) },
  };
}
