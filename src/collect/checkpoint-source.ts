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
  /** Paths that are being sent or removed by a host: of two at once, the store need not end with the later one. */
  readonly underWay: Set<string>;
}

type Sharing = Pick<CheckpointSource, 'host' | 'senders' | 'underWay'>;

/** `send` tells whether it was sent. False, too, while another host is at that path: it is to be tried again. */
export async function sendCheckpoint(
  { host, senders, underWay }: Sharing,
  path: string,
  send: () => Promise<boolean>,
): Promise<boolean> {
  if (underWay.has(path)) return false;
  underWay.add(path);
  try {
    const sent = await send();
    if (sent) senders.set(path, host);
    return sent;
  } finally {
    underWay.delete(path);
  }
}

/**
 * Removes from the store what is gone from a host's folder, unless another host has sent it. False while another host is at that
 * path: what becomes of it is not known yet. Throws what the store throws.
 */
export async function removeCheckpoint(
  { host, senders, underWay }: Sharing,
  at: {
    readonly path: string;
    readonly upload: UploadPlan;
    readonly store: Store;
    readonly signal: AbortSignal;
  },
): Promise<boolean> {
  if (underWay.has(at.path)) return false;
  if ((senders.get(at.path) ?? host) !== host) return true;
  underWay.add(at.path);
  try {
    await at.store.remove(below(at.upload.to, at.path), at.signal);
    senders.delete(at.path);
    return true;
  } finally {
    underWay.delete(at.path);
  }
}
