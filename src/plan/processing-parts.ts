/** What makes a plan one of a processing job (contract §2). Pure. */
import type { ProcessingInput, ProcessingJob } from '../job/processing-job.js';
import { storeVariables, type Surroundings } from './environment.js';
import { fifoFolder } from './fifo-names.js';
import type { KindParts } from './kind-parts.js';
import type { Mount } from './opt-ml-tree.js';
import { processingConfigFiles } from './processing-config-files.js';
import type { UploadPlan } from './uploads.js';

const OUTPUT = '/opt/ml/output';

export const PROCESSING_PARTS: KindParts<ProcessingJob, ProcessingInput> = {
  // `docker run` as it is: nothing is ever appended (contract §2.1). An entrypoint of its own drops the image's CMD.
  command: ({ entrypoint, arguments: given }) => ({
    entrypoint,
    command: entrypoint === null ? given : (given ?? []),
  }),
  environment: environmentOf,
  folders: foldersOf,
  mounts: mountsOf,
  files: processingConfigFiles,
  channelFolder: input => input.localPath,
  manifest: () => null,
  uploads: uploadsOf,
  // `/opt/ml/output/failure` is not documented for processing jobs (contract §2.8).
  messages: { failure: null, exit: `${OUTPUT}/message` },
};

/** Neither name nor ARN of the job, nor what training containers get besides (contract §2.5). */
function environmentOf(job: ProcessingJob, surroundings: Surroundings): Record<string, string> {
  return { AWS_REGION: job.region, ...storeVariables(job, surroundings), ...job.environment };
}

/** Outputs are there, empty, when the container starts (contract §2.2, §2.7). */
function foldersOf(job: ProcessingJob): string[] {
  return [
    '/opt/ml/config',
    OUTPUT,
    `${OUTPUT}/data`,
    ...job.outputs.map(viewOf),
    `${OUTPUT}/metrics`,
    `${OUTPUT}/metrics/cloudwatch`,
    ...new Set(['/opt/ml/processing', ...places(job)]),
  ];
}

/** One mount a place, so that what the image has beside them stays; each output is seen at two (contract §2.2). */
function mountsOf(job: ProcessingJob): Mount[] {
  return [
    { path: '/opt/ml/config', writable: false },
    { path: OUTPUT, writable: true },
    ...places(job).map(path => ({ path, writable: true })),
    ...job.outputs.map(output => ({ path: viewOf(output), writable: true, viewOf: output.localPath })),
  ];
}

function viewOf({ name }: { readonly name: string }): string {
  return `${OUTPUT}/data/${name}`;
}

/** Each LocalPath once, outer ones first; of an input in Pipe mode, the folder of its FIFOs. An input and an output may have the same. */
function places({ channels, outputs }: ProcessingJob): string[] {
  const inputs = channels.map(({ inputMode, localPath }) =>
    inputMode === 'Pipe' ? fifoFolder({ folder: localPath }) : localPath,
  );
  return [...new Set([...inputs, ...outputs.map(output => output.localPath)])].sort();
}

/** No job's name is put into the key (contract §2.7). */
function uploadsOf(job: ProcessingJob, hosts: readonly string[]): UploadPlan[] {
  return job.outputs.map(({ localPath, location, uploadMode, kmsKeyId }) => ({
    from: localPath,
    hosts,
    form: 'objects',
    to: { ...location, key: location.key.replace(/\/$/, '') },
    when: uploadMode === 'Continuous' ? 'continuous' : 'end',
    kmsKeyId,
  }));
}
