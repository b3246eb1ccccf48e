/** Where the outputs go (contract §1.8, §1.17). Pure. */
import type { S3Location } from '../job/s3-location.js';
import type { FolderUpload, TrainingJob } from '../job/training-job.js';
import { INTERMEDIATE, intermediateLocation, TOOLKIT_COPIES } from './intermediate-output.js';

export interface UploadPlan {
  /** Folder in the container. */
  readonly from: string;
  /** The hosts from which it comes. Where two wrote one path, that of the first named stands. */
  readonly hosts: readonly string[];
  /** `tar.gz`: one object at `to`; `objects`: one object a file, below `to`. */
  readonly form: 'tar.gz' | 'objects';
  readonly to: S3Location;
  readonly when: 'end' | 'continuous';
  readonly kmsKeyId: string | null;
  /** Of checkpoints: each host's files as they are at the end, what it has removed removed there (contract §1.9). */
  readonly checkpoints?: true;
  /** A folder at its top that is not uploaded. */
  readonly without?: string;
  /** Empty objects that are put below `to` when all else is there. */
  readonly marks?: readonly string[];
}

/** By which readers of these folders know that no more will come (contract §1.17). */
const END_MARK = 'training_job_end.ts';

/**
 * The model comes first: it is what the user waits for. All hosts' models become one; of `output/data`, the first host's
 * only, as real jobs show (contract §1.8).
 */
export function uploadsOf(job: TrainingJob, hosts: readonly string[]): UploadPlan[] {
  const { location, compression, kmsKeyId } = job.output;
  const artifact = (from: string, leaf: string, sources: readonly string[]): UploadPlan => {
    const common = { from, hosts: sources, when: 'end', kmsKeyId } as const;
    return compression === 'GZIP'
      ? {
          ...common,
          form: 'tar.gz',
          to: under(location, job.name, 'output', `${archiveName(leaf)}.tar.gz`),
        }
      : { ...common, form: 'objects', to: under(location, job.name, 'output', leaf) };
  };
  const folderUpload = ({ localPath, location: to }: FolderUpload, leaf: string): UploadPlan => ({
    from: localPath,
    hosts,
    form: 'objects',
    to: under(to, job.name, leaf),
    when: 'continuous',
    kmsKeyId: null,
  });
  const intermediate = intermediateLocation(job.hyperparameters);
  return [
    artifact('/opt/ml/model', 'model', hosts),
    artifact('/opt/ml/output/data', 'data', hosts.slice(0, 1)),
    ...(intermediate === null
      ? []
      : [
          {
            ...folderUpload({ localPath: INTERMEDIATE, location: intermediate }, 'output/intermediate'),
            without: TOOLKIT_COPIES,
          },
        ]),
    ...(job.debugHook === null
      ? []
      : [{ ...folderUpload(job.debugHook, 'debug-output'), marks: [END_MARK] }]),
    ...(job.tensorBoard === null ? [] : [folderUpload(job.tensorBoard, 'tensorboard-output')]),
    ...(job.profiler === null
      ? []
      : [
          {
            ...folderUpload(job.profiler, 'profiler-output'),
            marks: [`framework/${END_MARK}`, `system/${END_MARK}`],
          },
        ]),
  ];
}

/** `output/data` becomes `output.tar.gz`, but uncompressed it lies under `data/` (contract §1.8). */
function archiveName(leaf: string): string {
  return leaf === 'data' ? 'output' : leaf;
}

/** A slash at the end of the output path is not doubled. */
function under({ bucket, key }: S3Location, ...parts: readonly string[]): S3Location {
  const base = key === '' || key.endsWith('/') ? key : `${key}/`;
  return { bucket, key: base + parts.join('/') };
}
