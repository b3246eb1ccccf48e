/** The end of every operation that makes an object of bytes which are all there. */

import { rm } from 'node:fs/promises';
import { systemCode } from '../../../errors.js';
import type { FileStamp } from '../../embedded/file-stamp.js';
import { writeObject, type Condition } from '../../embedded/object-files.js';
import type { ObjectRecord } from '../../embedded/object-record.js';
import { addressOf, assertBucket, type Context } from '../context.js';
import { assertDone } from '../preconditions.js';

/** Makes a finished file the object that the request names; the file is gone afterwards, also when this throws. */
export async function makeObject(
  context: Context,
  {
    file,
    record,
    condition,
  }: {
    readonly file: { readonly path: string; readonly stamp: FileStamp };
    readonly record: ObjectRecord;
    readonly condition: Condition;
  },
): Promise<void> {
  const { path: temporary, stamp } = file;
  try {
    const outcome = await writeObject({
      root: context.store.root,
      address: addressOf(context),
      temporary,
      stamp,
      record,
      condition,
    });
    assertDone(outcome, context.request.key);
  } catch (thrown) {
    await rm(temporary, { force: true });
    // It may have been deleted while the body came.
    if (systemCode(thrown) === 'ENOENT') assertBucket(context, context.request.bucket);
    throw thrown;
  }
}
