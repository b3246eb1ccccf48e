/** What a watched folder of checkpoints has beyond one of outputs: marks beside its files, and removals that are carried over. */
import type { UploadPlan } from '../plan/uploads.js';
import type { Store } from '../store/port.js';
import { marksOf } from './checkpoint-marks.js';
import type { Senders } from './upload-checkpoints.js';
import { below } from './upload-output.js';

export interface CheckpointSource {
  readonly host: string;
  /** What the store had of the folder at the start: path → stamp. */
  readonly held: ReadonlyMap<string, string>;
  readonly senders: Senders;
}

interface Place {
  readonly root: string;
  /** Path of the file below the root. */
  readonly file: string;
}

/** Removes from the store what is gone from the folder, unless another host has sent it since. Throws what the store throws. */
export async function removeCheckpoint({
  path,
  host,
  senders,
  upload,
  store,
  signal,
  ...place
}: Place &
  Omit<CheckpointSource, 'held'> & {
    /** Below the folder, as in the store. */
    readonly path: string;
    readonly upload: UploadPlan;
    readonly store: Store;
    readonly signal: AbortSignal;
  }): Promise<void> {
  if ((senders.get(path) ?? host) === host) {
    await store.remove(below(upload.to, path), signal);
    senders.delete(path);
  }
  await using marks = await marksOf(place);
  await marks.none();
}

/** `send` tells whether the file was sent. */
export async function underMarks(place: Place, send: () => Promise<boolean>): Promise<void> {
  await using marks = await marksOf(place);
  await marks.uploading();
  let sent = false;
  try {
    sent = await send();
  } finally {
    await (sent ? marks.uploaded() : marks.none());
  }
}
