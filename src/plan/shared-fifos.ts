/**
 * Pipe mode where rooms are volumes: FIFOs can be fed through a folder of this machine only, so theirs is mounted as it is, and
 * read-only, since its user could not remove what root of the container would leave there. Pure.
 */
import type { Difference } from '../job/differences.js';
import type { Job } from '../job/job.js';
import { fifoFolder } from './fifo-names.js';
import type { Mount } from './opt-ml-tree.js';
import type { ChannelPlan } from './plan.js';

/** The mounts of a host with those of its FIFOs, which take the place of one at the same path. */
export function withSharedFifos(mounts: readonly Mount[], channels: readonly ChannelPlan[]): Mount[] {
  const folders = new Set(channels.filter(({ mode }) => mode === 'Pipe').map(fifoFolder));
  return [
    ...mounts.filter(({ path }) => !folders.has(path)),
    ...[...folders].map(path => ({ path, writable: false })),
  ];
}

/** None where nothing comes through a FIFO. */
export function sharedFifosDifference({ kind, channels }: Job): Difference[] {
  if (!channels.some(({ inputMode }) => inputMode === 'Pipe')) return [];
  return [
    {
      member: kind === 'training' ? 'InputDataConfig' : 'ProcessingInputs',
      asked: 'Pipe',
      here: 'the folder of the FIFOs is read-only for the container',
      why: "it lies in a folder of this machine, where this process could not remove what the container's root leaves: it is not root, or the engine maps users",
    },
  ];
}
