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

/**
 * Before it is sent: another host must not remove what comes to be there meanwhile. Gives what is to be called when it did not
 * come there.
 */
export function claimCheckpoint(
  { host, senders }: Pick<CheckpointSource, 'host' | 'senders'>,
  path: string,
): () => void {
  const before = senders.get(path);
  senders.set(path, host);
  return () => {
    // Another host may be at it by now.
    if (senders.get(path) !== host) return;
    if (before === undefined) senders.delete(path);
    else senders.set(path, before);
  };
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
  // Another host may have begun to send it.
  if (senders.get(at.path) === host) senders.delete(at.path);
}
