/** Makes the prefix of the checkpoints what the hosts' folders are: the last of what their watches do (contract §1.9). */
import { isAsNoted, type HostOutputs, type OutputEntry } from './output-entry.js';
import { isCheckpoint } from './checkpoint-marks.js';
import { below, uploadOutput, type UploadRequest, type UploadResult } from './upload-output.js';
import { formatS3Uri } from '../job/s3-location.js';

/** Path → the host whose file the store has. All hosts send below one prefix. */
export type Senders = Map<string, string>;

export interface CheckpointFolder {
  readonly host: string;
  readonly outputs: HostOutputs;
  /** What the store has of this folder, restored or sent: path → stamp of the file. */
  readonly held: ReadonlyMap<string, string>;
  /** What `held` compares: tells one content of a file from another. */
  readonly stampOf: (entry: OutputEntry) => string | undefined;
}

/**
 * Sends what the store does not have, host after host, then removes what is gone from a host's folder, unless another host has
 * sent it. A folder that cannot be seen has lost nothing. Throws what reading or the store throws.
 */
export async function uploadCheckpoints({
  folders,
  senders,
  ...request
}: Omit<UploadRequest, 'outputs' | 'sent'> & {
  readonly folders: readonly CheckpointFolder[];
  readonly senders: Senders;
}): Promise<UploadResult> {
  const { upload, store, signal } = request;
  const sizes = new Map<string, number>();
  const gone: string[] = [];
  const found: { readonly folder: CheckpointFolder; readonly paths: ReadonlySet<string> }[] = [];
  for (const folder of folders) {
    const paths = new Set<string>();
    await uploadOutput({
      ...request,
      outputs: { entries: () => checkpointsIn(folder, paths) },
      sent: folder.held,
    });
    found.push({ folder, paths });
  }
  for (const { folder, paths } of found) {
    if (paths.size === 0 && !(await folder.outputs.isFolder(upload.from))) continue;
    for (const path of folder.held.keys())
      if (!paths.has(path) && (senders.get(path) ?? folder.host) === folder.host) gone.push(path);
  }
  for (const path of gone) {
    await store.remove(below(upload.to, path), signal);
    senders.delete(path);
    sizes.delete(path);
  }
  if (sizes.size === 0) return null;
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  return { to: formatS3Uri(upload.to), bytes, objects: sizes.size };

  async function* checkpointsIn(
    { host, outputs, held, stampOf }: CheckpointFolder,
    paths: Set<string>,
  ): AsyncGenerator<OutputEntry> {
    for await (const entry of outputs.entries(upload.from)) {
      if (!isCheckpoint(entry.path)) continue;
      const stamp = stampOf(entry);
      if (entry.kind === 'file') {
        paths.add(entry.path);
        sizes.set(entry.path, entry.size);
        if (!isAsNoted(held.get(entry.path), stamp)) senders.set(entry.path, host);
      }
      yield stamp === undefined ? entry : { ...entry, stamp };
    }
  }
}
