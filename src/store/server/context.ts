/** What every operation gets. */

import { bucketExists } from '../embedded/placement.js';
import type { FolderNames } from '../embedded/folder-names.js';
import type { ReadRecord } from '../embedded/object-record.js';
import type { ObjectAddress } from '../port.js';
import type { Caller } from './caller.js';
import { bodyLength, readSmallBody, type BodyOptions } from './read-body.js';
import { receiveFile, type ReceivedFile } from './receive-file.js';
import type { Algorithm } from './checksums.js';
import type { OperationName } from './routes.js';
import type { S3Request } from './request.js';
import { S3Error } from './s3-error.js';

export interface ServedStore {
  /** The folder of the embedded store. */
  readonly root: string;
  readonly region: string;
  readonly names: FolderNames;
  /** For objects that may be asked for again. */
  readonly readRecord: ReadRecord;
  /** The longest wait for a client, in milliseconds. */
  readonly idleMs: number;
}

export interface Context {
  readonly operation: OperationName;
  readonly request: S3Request;
  readonly caller: Caller;
  readonly store: ServedStore;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** S3's limit for one PUT and for one copy. */
export const LARGEST_PUT = 5 * 1024 ** 3;
/** Of an XML document. */
const LARGEST_DOCUMENT = 8 * 1024 ** 2;

export function addressOf({ request: { bucket, key } }: Context): ObjectAddress {
  return { bucket, key };
}

/** Throws NoSuchBucket. */
export function assertBucket({ store }: Context, bucket: string): void {
  if (!bucketExists(store.root, bucket))
    throw new S3Error('NoSuchBucket', undefined, { details: { BucketName: bucket } });
}

function bodyOptions({ request, caller, store }: Context, limit: number): BodyOptions {
  return { request, payload: caller.payload, limit, idleMs: store.idleMs };
}

/** The body as a finished file that nobody sees yet. */
export function receive(context: Context, algorithm: Algorithm | null): Promise<ReceivedFile> {
  return receiveFile(context.store.root, { ...bodyOptions(context, LARGEST_PUT), algorithm });
}

/** The document in the body. */
export async function receiveDocument(context: Context): Promise<Buffer> {
  const options = bodyOptions(context, LARGEST_DOCUMENT);
  try {
    bodyLength(options);
  } catch (thrown) {
    if (thrown instanceof S3Error && thrown.code === 'EntityTooLarge')
      throw new S3Error('MaxMessageLengthExceeded', undefined, {
        details: { MaxMessageLengthBytes: String(LARGEST_DOCUMENT) },
      });
    throw thrown;
  }
  return await readSmallBody(options);
}

/** A whole number in the query, or what holds without one. Throws InvalidArgument. */
export function numberIn(
  { query }: S3Request,
  name: string,
  { least, most, without }: { readonly least: number; readonly most: number; readonly without: number },
): number {
  const text = query.get(name);
  if (text === undefined || text === '') return without;
  const value = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new S3Error('InvalidArgument', `Argument ${name} must be an integer between ${least} and ${most}`, {
      details: { ArgumentName: name, ArgumentValue: text },
    });
  return value;
}
