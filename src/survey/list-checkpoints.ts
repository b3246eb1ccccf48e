/** What a job's checkpoints are when it starts, or starts anew (contract §1.9). */
import { OptmlError } from '../errors.js';
import { CHECKPOINTS } from '../job/channel-rules.js';
import type { S3Location } from '../job/s3-location.js';
import type { Store } from '../store/port.js';
import { writeLines, type Listing } from './listing.js';

/**
 * Lists them into a new file; there may be none, and no bucket yet. Only what lies in the folder that S3Uri names: a name that
 * merely begins with it (`state-2/…` for `state`) belongs to another job. Throws what the store throws.
 */
export async function listCheckpoints(
  at: { readonly location: S3Location; readonly store: Store; readonly file: string },
  signal: AbortSignal,
): Promise<Listing> {
  const { location, store, file } = at;
  const { bucket, key } = location;
  const prefix = { bucket, key: key === '' || key.endsWith('/') ? key : `${key}/` };
  let objects = 0;
  let bytes = 0;
  async function* lines(): AsyncGenerator<readonly unknown[]> {
    try {
      for await (const object of store.list(prefix, signal)) {
        objects += 1;
        bytes += object.size;
        yield [object.key, object.size, object.etag];
      }
    } catch (thrown) {
      if (!(thrown instanceof OptmlError && thrown.code === 'BUCKET_MISSING')) throw thrown;
    }
  }
  await writeLines(file, lines());
  return { channel: CHECKPOINTS, kind: 'objects', bucket, file, objects, bytes };
}
