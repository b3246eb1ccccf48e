/** What of `/opt/ml` is the platform's: folders that are there at the start, and what is mounted (contract §1.2). Pure. */
import type { Channel } from '../job/channel.js';
import type { TrainingJob } from '../job/training-job.js';

export interface Mount {
  readonly path: string;
  readonly writable: boolean;
  /** The channel whose file system is mounted here, from outside the host's room. */
  readonly fileSystemOf?: string;
  /** Another mount, whose content is seen here, too. */
  readonly viewOf?: string;
}

/** Folders in the container that exist before it starts, parents first. */
export function foldersOf(job: TrainingJob, channels: readonly Channel[]): string[] {
  return [
    '/opt/ml/errors',
    '/opt/ml/input',
    '/opt/ml/input/config',
    '/opt/ml/input/data',
    // The FIFOs of Pipe mode lie beside it, and no folder of the channel's name (contract §1.6).
    ...channels.filter(channel => channel.inputMode !== 'Pipe').map(channelFolder),
    '/opt/ml/model',
    '/opt/ml/output',
    '/opt/ml/output/data',
    '/opt/ml/output/metrics',
    '/opt/ml/output/metrics/sagemaker',
    '/opt/ml/output/profiler',
    ...extraFolders(job),
  ];
}

/**
 * Which parts are separate mounts is UNCONFIRMED. One mount over all of `/opt/ml` would hide `/opt/ml/code` of the image,
 * so each part is one. The config folder cannot be written; what lies beside it under `input` can, which the SDK's own
 * start script relies on (contract §1.19). Neither can what FastFile brings (contract §1.7).
 */
export function mountsOf(job: TrainingJob, channels: readonly Channel[]): Mount[] {
  const fixed = ['/opt/ml/errors', '/opt/ml/input', '/opt/ml/model', '/opt/ml/output'];
  const outside = extraFolders(job).filter(
    folder => !fixed.some(root => folder === root || folder.startsWith(`${root}/`)),
  );
  return [
    ...fixed.map(path => ({ path, writable: true })),
    { path: '/opt/ml/input/config', writable: false },
    ...channels.flatMap(channelMounts),
    ...outside.map(path => ({ path, writable: true })),
  ];
}

export function channelFolder({ name }: Pick<Channel, 'name'>): string {
  return `/opt/ml/input/data/${name}`;
}

function channelMounts(channel: Channel): Mount[] {
  const path = channelFolder(channel);
  const { fileSystem, inputMode, name } = channel;
  if (fileSystem !== null) return [{ path, writable: fileSystem.accessMode === 'rw', fileSystemOf: name }];
  return inputMode === 'FastFile' ? [{ path, writable: false }] : [];
}

function extraFolders(job: TrainingJob): string[] {
  return [job.checkpoints, job.debugHook, job.tensorBoard].flatMap(one =>
    one === null ? [] : [one.localPath],
  );
}
