/** Where the outputs go (contract §1.8). Pure. */
import type { S3Location } from '../job/s3-location.js';
import type { FolderUpload, TrainingJob } from '../job/training-job.js';

export interface UploadPlan {
  /** Folder in the container. */
  readonly from: string;
  /** `tar.gz`: one object at `to`; `objects`: one object a file, below `to`. */
  readonly form: 'tar.gz' | 'objects';
  readonly to: S3Location;
  readonly when: 'end' | 'continuous';
  readonly kmsKeyId: string | null;
}

/** The model comes first: it is what the user waits for. */
export function uploadsOf(job: TrainingJob): UploadPlan[] {
  const { location, compression, kmsKeyId } = job.output;
  const artifact = (from: string, leaf: string): UploadPlan =>
    compression === 'GZIP'
      ? {
          from,
          form: 'tar.gz',
          to: under(location, job.name, 'output', `${archiveName(leaf)}.tar.gz`),
          when: 'end',
          kmsKeyId,
        }
      : { from, form: 'objects', to: under(location, job.name, 'output', leaf), when: 'end', kmsKeyId };
  return [
    artifact('/opt/ml/model', 'model'),
    artifact('/opt/ml/output/data', 'data'),
    ...(job.debugHook === null ? [] : [folderUpload(job.name, job.debugHook, 'debug-output')]),
    ...(job.tensorBoard === null ? [] : [folderUpload(job.name, job.tensorBoard, 'tensorboard-output')]),
    ...(job.profiler === null ? [] : [folderUpload(job.name, job.profiler, 'profiler-output')]),
  ];
}

/** `output/data` becomes `output.tar.gz`, but uncompressed it lies under `data/` (contract §1.8). */
function archiveName(leaf: string): string {
  return leaf === 'data' ? 'output' : leaf;
}

function folderUpload(jobName: string, { localPath, location }: FolderUpload, leaf: string): UploadPlan {
  return {
    from: localPath,
    form: 'objects',
    to: under(location, jobName, leaf),
    when: 'end',
    kmsKeyId: null,
  };
}

/** A slash at the end of the output path is not doubled. */
function under({ bucket, key }: S3Location, ...parts: readonly string[]): S3Location {
  const base = key === '' || key.endsWith('/') ? key : `${key}/`;
  return { bucket, key: base + parts.join('/') };
}
