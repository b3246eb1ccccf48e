/** What of `/opt/ml` is the platform's: folders that are there at the start, and what is mounted (contract §1.2). Pure. */
import type { TrainingJob } from '../job/training-job.js';

export interface Mount {
  readonly path: string;
  readonly writable: boolean;
}

/** Folders in the container that exist before it starts, parents first. */
export function foldersOf(job: TrainingJob): string[] {
  return [
    '/opt/ml/errors',
    '/opt/ml/input',
    '/opt/ml/input/config',
    '/opt/ml/input/data',
    // A channel in Pipe mode has FIFOs beside the folders of the others (contract §1.6).
    ...job.channels
      .filter(channel => channel.inputMode !== 'Pipe')
      .map(channel => `/opt/ml/input/data/${channel.name}`),
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
 * start script relies on (contract §1.19).
 */
export function mountsOf(job: TrainingJob): Mount[] {
  const fixed = ['/opt/ml/errors', '/opt/ml/input', '/opt/ml/model', '/opt/ml/output'];
  const outside = extraFolders(job).filter(
    folder => !fixed.some(root => folder === root || folder.startsWith(`${root}/`)),
  );
  return [
    ...fixed.map(path => ({ path, writable: true })),
    { path: '/opt/ml/input/config', writable: false },
    ...outside.map(path => ({ path, writable: true })),
  ];
}

function extraFolders(job: TrainingJob): string[] {
  return [job.debugHook, job.tensorBoard].flatMap(one => (one === null ? [] : [one.localPath]));
}
