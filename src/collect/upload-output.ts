/** Sends one output of a host to where the plan says, as a stream: constant memory, no copy on disk. */
import { forEachAtOnce } from '../adaptive-pool.js';
import { formatS3Uri } from '../job/s3-location.js';
import type { UploadPlan } from '../plan/uploads.js';
import type { Store, UnfinishedUpload, UploadBody, UploadOptions } from '../store/port.js';
import { gzip } from './gzip.js';
import { isAsNoted, type HostOutputs, type OutputEntry } from './output-entry.js';
import { tarOf } from './tarball.js';

/** Null when there was nothing to upload: then no object is made (contract §1.8). */
export type UploadResult = { readonly to: string; readonly bytes: number; readonly objects: number } | null;

export interface UploadRequest {
  readonly upload: UploadPlan;
  readonly outputs: Pick<HostOutputs, 'entries'>;
  /** Files of the folder that were uploaded before, by path: as long as the stamp is the same, they are not sent again. */
  readonly sent?: ReadonlyMap<string, string>;
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly onTransfer: (change: { readonly bytes: number; readonly objects: number }) => void;
  readonly onBegun: (upload: UnfinishedUpload) => void;
  /** Something that has no place in an upload. */
  readonly onLeftOut: (entry: OutputEntry) => void;
}

/** Throws what reading or the store throws; then nothing half-made is visible under a tarball's name. */
export async function uploadOutput(request: UploadRequest): Promise<UploadResult> {
  const entries = request.outputs.entries(request.upload.from);
  return request.upload.form === 'tar.gz' ? uploadTarball(request, entries) : uploadObjects(request, entries);
}

async function uploadTarball(
  request: UploadRequest,
  entries: AsyncIterable<OutputEntry>,
): Promise<UploadResult> {
  const { upload, store, onTransfer } = request;
  const some = await withoutEmpty(entries, request.onLeftOut);
  if (some === null) return null;
  let bytes = 0;
  await store.upload(upload.to, counted(gzip(tarOf(some, request.onLeftOut))), options(request));
  onTransfer({ bytes: 0, objects: 1 });
  return { to: formatS3Uri(upload.to), bytes, objects: 1 };

  async function* counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      bytes += chunk.length;
      onTransfer({ bytes: chunk.length, objects: 0 });
      yield chunk;
    }
  }
}

/** Up to here a file is held in memory while it is sent, so that the next ones need not wait for it. */
const HELD_BYTES = 256 * 1024;

/**
 * One object a file: small ones side by side, each larger one by itself, in parts. Folders are not objects; links and
 * special files cannot be, and are named. Returns or throws when all that was begun has come to rest.
 */
async function uploadObjects(
  request: UploadRequest,
  entries: AsyncIterable<OutputEntry>,
): Promise<UploadResult> {
  const { upload, store, onTransfer, onLeftOut, sent, signal } = request;
  let bytes = 0;
  let objects = 0;

  async function send(entry: OutputEntry, body: UploadBody, until: AbortSignal): Promise<void> {
    await store.upload(below(upload.to, entry.path), body, { ...options(request), signal: until });
    done(entry);
  }

  async function sendLarge(entry: OutputEntry): Promise<void> {
    if (entry.open === undefined) {
      await send(entry, entry.body(), signal);
      return;
    }
    await using content = await entry.open();
    await send(entry, content, signal);
  }

  function done(entry: OutputEntry): void {
    bytes += entry.size;
    objects += 1;
    onTransfer({ bytes: entry.size, objects: 1 });
  }

  /** Sends all but the small ones. An entry's content is there only until the next entry is asked for. */
  async function* small(): AsyncGenerator<{ readonly entry: OutputEntry; readonly content: Uint8Array }> {
    for await (const entry of entries) {
      if (entry.kind === 'folder' || isWithout(upload, entry.path)) continue;
      if (entry.kind !== 'file') onLeftOut(entry);
      else if (isAsNoted(sent?.get(entry.path), entry.stamp)) done(entry);
      else if (entry.size > HELD_BYTES) await sendLarge(entry);
      else yield { entry, content: entry.held?.() ?? (await read(entry.body())) };
    }
  }

  await forEachAtOnce(small(), {
    signal,
    act: ({ entry, content }, until) => send(entry, content, until),
  });
  for (const mark of upload.marks ?? [])
    await store.upload(below(upload.to, mark), new Uint8Array(), options(request));
  return objects === 0 ? null : { to: formatS3Uri(upload.to), bytes, objects };
}

/** An output may go to the bucket itself. */
export function below({ bucket, key }: UploadPlan['to'], path: string): UploadPlan['to'] {
  return { bucket, key: key === '' ? path : `${key}/${path}` };
}

/** Does the path lie in the folder that the plan leaves out? */
export function isWithout({ without }: UploadPlan, path: string): boolean {
  return without !== undefined && (path === without || path.startsWith(`${without}/`));
}

async function read(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function options({ upload, signal, onBegun }: UploadRequest): UploadOptions {
  return { signal, onBegun, ...(upload.kmsKeyId === null ? {} : { kmsKeyId: upload.kmsKeyId }) };
}

/** The entries again, or null when none of them has a place in a tarball. */
async function withoutEmpty(
  entries: AsyncIterable<OutputEntry>,
  onLeftOut: (entry: OutputEntry) => void,
): Promise<AsyncIterable<OutputEntry> | null> {
  const iterator = entries[Symbol.asyncIterator]();
  for (;;) {
    const first = await iterator.next();
    if (first.done === true) return null;
    if (first.value.kind === 'other' || first.value.kind === 'unnamable') onLeftOut(first.value);
    else return resume(first.value, iterator);
  }
}

async function* resume(first: OutputEntry, rest: AsyncIterator<OutputEntry>): AsyncGenerator<OutputEntry> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
