/** What a watched folder of checkpoints has beyond one of outputs: several hosts send to one prefix, and remove there. */
import type { UploadPlan } from '../plan/uploads.js';
import type { Store } from '../store/port.js';
import type { Senders } from './upload-checkpoints.js';
import { below } from './upload-output.js';

export interface CheckpointSource {
  readonly host: string;
  /** What the store had of the folder at the start: path → stamp. */
  readonly held: ReadonlyMap<string, string>;
  readonly senders: Senders;
}

/** Removes from the store what is gone from a host's folder, unless another host has sent it. Throws what the store throws. */
export async function removeCheckpoint(
  { host, senders }: Pick<CheckpointSource, 'host' | 'senders'>,
  at: {
    readonly path: string;
    readonly upload: UploadPlan;
    readonly store: Store;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  if ((senders.get(at.path) ?? host) !== host) return;
  await at.store.remove(below(at.upload.to, at.path), at.signal);
  senders.delete(at.path);
}
