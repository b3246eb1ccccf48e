/** Folders of a training job that are uploaded while it runs (contract §1.8, §1.17). */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOMS_ARE_VOLUMES } from '../harness/aftermath.js';
import { startJob } from '../harness/job.js';
import { scratch } from '../harness/optml.js';
import { shellJob } from '../harness/requests.js';

const BUCKETS = {
  DebugHookConfig: { S3OutputPath: 's3://outputs/debug' },
  TensorBoardOutputConfig: { S3OutputPath: 's3://outputs/tb', LocalPath: '/tb' },
  ProfilerConfig: { S3OutputPath: 's3://outputs/profile' },
  HyperParameters: { sagemaker_s3_output: '"s3://outputs/mine"' },
};

test('tensors, events, profiles and intermediate results are in the store while the job runs', async () => {
  const home = await scratch('home');
  const job = await startJob(
    shellJob(
      [
        'cd /opt/ml/output; mkdir -p intermediate/.tmp.sagemaker_s3_sync; echo i > intermediate/i',
        'echo c > intermediate/.tmp.sagemaker_s3_sync/copy; mkdir tensors/events; echo t > tensors/events/t',
        'echo e > /tb/e; mkdir profiler/framework; echo p > profiler/framework/p',
        "trap 'echo last > intermediate/last; exit 0' TERM; echo written",
        'while :; do sleep 600 & wait $!; done',
      ],
      BUCKETS,
    ),
    { home },
  );
  await job.shows('algo-1 | written');
  const place = (path: string): string => join(home, 's3/outputs', path);
  const early = [
    `debug/${job.name}/debug-output/events/t`,
    `tb/${job.name}/tensorboard-output/e`,
    `profile/${job.name}/profiler-output/framework/p`,
    `mine/${job.name}/output/intermediate/i`,
  ].map(place);
  if (ROOMS_ARE_VOLUMES) await job.shows('uploaded when it has ended');
  else await appear(early);
  job.signal('SIGTERM');
  expect((await job.finish()).status).toBe(4);
  expect((await Promise.all(early.map(path => readFile(path, 'utf8')))).join('')).toBe('t\ne\np\ni\n');
  expect((await readdir(place(`mine/${job.name}/output/intermediate`))).sort()).toEqual(['i', 'last']);
  expect(await readFile(place(`debug/${job.name}/debug-output/training_job_end.ts`), 'utf8')).toBe('');
});

test('two hosts that write one path: the first one has the last word', async () => {
  const home = await scratch('home');
  const job = await startJob(
    shellJob(
      [
        'cd /opt/ml/output/tensors; hostname > same; hostname > $(hostname)',
        // Long enough for both files to go out while the hosts run.
        'for i in 1 2 3 4 5 6; do sleep 0.5; done',
      ],
      {
        DebugHookConfig: BUCKETS.DebugHookConfig,
        ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 2, VolumeSizeInGB: 10 },
      },
    ),
    { home },
  );
  const { status } = await job.finish();
  expect(status).toBe(0);
  const folder = join(home, 's3/outputs/debug', job.name, 'debug-output');
  expect((await readdir(folder)).sort()).toEqual(['algo-1', 'algo-2', 'same', 'training_job_end.ts']);
  for (const [file, text] of [
    ['same', 'algo-1'],
    ['algo-1', 'algo-1'],
    ['algo-2', 'algo-2'],
  ] as const)
    expect(await readFile(join(folder, file), 'utf8')).toBe(`${text}\n`);
});

/** Waits for files; the limit of the test ends it. */
async function appear(paths: readonly string[]): Promise<void> {
  while (!paths.every(path => existsSync(path))) await new Promise(resolve => setTimeout(resolve, 50));
}
