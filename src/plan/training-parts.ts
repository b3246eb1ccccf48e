/** What makes a plan one of a training job (contract §1). Pure. */
import type { S3Channel } from '../job/channel.js';
import type { TrainingJob } from '../job/training-job.js';
import { commandOf } from './command.js';
import { configFiles } from './config-files.js';
import { environmentOf } from './environment.js';
import type { KindParts } from './kind-parts.js';
import { channelFolder, foldersOf, mountsOf } from './opt-ml-tree.js';
import { uploadsOf } from './uploads.js';

export const TRAINING_PARTS: KindParts<TrainingJob, S3Channel> = {
  command: commandOf,
  environment: environmentOf,
  folders: foldersOf,
  mounts: mountsOf,
  files: configFiles,
  channelFolder,
  // UNCONFIRMED for other modes and manifests (contract §1.5).
  manifest: channel =>
    channel.inputMode === 'File' && channel.dataType === 'S3Prefix'
      ? `${channelFolder(channel)}-manifest`
      : null,
  uploads: uploadsOf,
  messages: { failure: '/opt/ml/output/failure', exit: null },
};
