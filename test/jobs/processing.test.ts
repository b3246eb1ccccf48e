/** Processing jobs on the real engine (contract §2). */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { namesIn, refusedJob, runJob, startJob } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';
import { inputAt, outputsAt, processingJob } from '../harness/processing.js';
import { putObject, shellJob } from '../harness/requests.js';

function stored(home: string, path: string): Promise<string> {
  return readFile(join(home, 's3', path), 'utf8');
}

describe('what the container finds', () => {
  test('the tree of the platform, inputs at their LocalPath, also one below another', async () => {
    const home = await scratch('home');
    await putObject(home, 's3://input-data/raw/a.csv', '1,2\n');
    await putObject(home, 's3://input-data/raw/deep/b.csv', '3,4\n');
    await putObject(home, 's3://input-data/code/run.sh', 'echo run\n');
    await putObject(home, 's3://input-data/dep/x.py', 'x\n');
    const { status, log } = await runJob(
      processingJob(
        [
          'cd /opt/ml; find . | LC_ALL=C sort',
          'cat processing/raw/a.csv processing/raw/deep/b.csv; sh processing/code/run.sh; pwd -P',
          'cat config/resourceconfig.json; echo',
          'if touch config/x 2>/dev/null; then echo writable; else echo read-only; fi',
        ],
        {
          ProcessingInputs: [
            inputAt('code/dep', 's3://input-data/dep'),
            inputAt('code', 's3://input-data/code/run.sh'),
            inputAt('raw', 's3://input-data/raw/'),
          ],
          ...outputsAt({ train: 's3://out/train' }),
        },
      ),
      { home },
    );
    expect(status).toBe(0);
    expect(log).toEqual([
      ...['.', './config', './config/processingjobconfig.json', './config/resourceconfig.json', './output'],
      ...['./output/data', './output/data/train', './output/metrics', './output/metrics/cloudwatch'],
      ...['./processing', './processing/code', './processing/code/dep', './processing/code/dep/x.py'],
      ...['./processing/code/run.sh', './processing/raw', './processing/raw/a.csv'],
      ...['./processing/raw/deep', './processing/raw/deep/b.csv', './processing/train'],
      ...['1,2', '3,4', 'run', '/opt/ml', '{"current_host":"algo-1","hosts":["algo-1"]}', 'read-only'],
    ]);
  });

  test('the environment of a processing job, and nothing of a training job', async () => {
    const { log } = await runJob(
      processingJob(['env | cut -d= -f1 | sort', 'echo "A is $A"'], { Environment: { A: 'b c' } }),
    );
    expect(log).toContain('A is b c');
    expect(log).toContain('AWS_REGION');
    expect(log.filter(name => /^(TRAINING_|DMLC_|NVIDIA_|AWS_EXECUTION)/.test(name))).toEqual([]);
  });

  test('with neither entrypoint nor arguments the image runs as it is', async () => {
    const AppSpecification = { ImageUri: 'optml-arguments:latest' };
    const bare = await runJob(processingJob([], { AppSpecification }));
    expect(bare.log.join('\n')).not.toMatch(/\b(train|process)\b/);
    const given = await runJob(
      processingJob([], { AppSpecification: { ...AppSpecification, ContainerArguments: ['--a', 'b c'] } }),
    );
    expect(given.log.join('\n')).toContain('b c');
  });
});

describe('what comes out', () => {
  test('every file below each LocalPath is an object, links are not followed, and both views are one', async () => {
    const home = await scratch('home');
    const { status, described, stderr } = await runJob(
      processingJob(
        [
          'cd /opt/ml/processing; echo t > train/t.csv; mkdir -p train/sub/deep train/empty; echo d > train/sub/deep/d',
          'ln -s /etc/passwd train/link; ln -s /etc train/folder; echo v > /opt/ml/output/data/test/view.csv',
          ': > test/nothing; printf "all is well" > /opt/ml/output/message',
        ],
        outputsAt({ train: 's3://out/p/train/', test: 's3://out' }),
      ),
      { home },
    );
    expect(status).toBe(0);
    expect(await namesIn(join(home, 's3/out/p/train'))).toEqual(['sub', 't.csv']);
    expect(await stored(home, 'out/p/train/sub/deep/d')).toBe('d\n');
    expect(await stored(home, 'out/view.csv')).toBe('v\n');
    expect(await stored(home, 'out/nothing')).toBe('');
    expect(stderr).toMatch(/left out of the upload.*"link"/);
    expect(described).toMatchObject({ ProcessingJobStatus: 'Completed', ExitMessage: 'all is well' });
    expect(described).not.toHaveProperty('SecondaryStatus');
  });

  test('outputs of a failed job are uploaded, with its FailureReason and ExitMessage', async () => {
    const home = await scratch('home');
    const { status, described } = await runJob(
      processingJob(
        [
          'echo half > /opt/ml/processing/train/half.csv',
          'printf "why %01200d" 1 > /opt/ml/output/message; echo no > /opt/ml/output/failure; exit 7',
        ],
        outputsAt({ train: 's3://out/train' }),
      ),
      { home },
    );
    expect(status).toBe(1);
    expect(described).toMatchObject({
      ProcessingJobStatus: 'Failed',
      FailureReason: 'AlgorithmError: , exit code: 7',
    });
    expect(described['ExitMessage']).toBe(`why ${'0'.repeat(1020)}`);
    expect(await stored(home, 'out/train/half.csv')).toBe('half\n');
  });

  test('an exit message that is not UTF-8 fails the job', async () => {
    const { status, described } = await runJob(processingJob(["printf '\\377' > /opt/ml/output/message"]));
    expect(status).toBe(1);
    expect(described.FailureReason).toMatch(/^ClientError: /);
    expect(described).not.toHaveProperty('ExitMessage');
  });

  test('a stopped job has its grace, and its outputs are uploaded', async () => {
    const home = await scratch('home');
    const job = await startJob(
      processingJob(
        [
          'trap "echo late > /opt/ml/processing/train/late; exit 0" TERM',
          'echo up; while :; do sleep 0.1; done',
        ],
        outputsAt({ train: 's3://out/train' }),
      ),
      { home },
    );
    await job.shows('algo-1 | up');
    const stopped = await optml(['stop', job.name, '--kind', 'processing'], { home });
    expect(stopped.status).toBe(0);
    const { status, described } = await job.finish();
    expect(status).toBe(4);
    expect(described).toMatchObject({ ProcessingJobStatus: 'Stopped' });
    expect(await stored(home, 'out/train/late')).toBe('late\n');
  });
});

test('Describe echoes as the service does, and output config only where it was given', async () => {
  const home = await scratch('home');
  await putObject(home, 's3://input-data/raw/a', '1');
  const request = processingJob(['true'], { ProcessingInputs: [inputAt('raw', 's3://input-data/raw/')] });
  const { described } = await runJob(request, { home });
  expect(described).toMatchObject({
    ProcessingInputs: [{ InputName: 'raw', AppManaged: false, S3Input: { S3CompressionType: 'None' } }],
    StoppingCondition: { MaxRuntimeInSeconds: 600 },
    ProcessingJobStatus: 'Completed',
  });
  expect(described).not.toHaveProperty('ProcessingOutputConfig');
  expect(described).not.toHaveProperty('FailureReason');
  expect(described).not.toHaveProperty('ExitMessage');
});

test('jobs of two kinds may have one name, and --kind tells them apart', async () => {
  const home = await scratch('home');
  const training = shellJob('echo trained');
  const name = String(training['TrainingJobName']);
  await runJob(training, { home });
  await runJob(processingJob(['echo processed'], { ProcessingJobName: name }), { home });
  const logs = async (...flags: string[]): Promise<string> => {
    const { stdout, stderr } = await optml(['logs', name, ...flags], { home });
    return stdout + stderr;
  };
  expect(await logs('--kind', 'training')).toBe('algo-1 | trained\n');
  expect(await logs('--kind', 'processing')).toBe('algo-1 | processed\n');
  expect(await logs()).toContain('add --kind training or --kind processing');
  const listed = await optml(['ps', '--json', '--kind', 'processing'], { home });
  expect(JSON.parse(listed.stdout)).toMatchObject([{ kind: 'processing', name, status: 'Completed' }]);
  const described = await optml(['describe', name, '--kind', 'processing'], { home });
  expect(JSON.parse(described.stdout)).toMatchObject({ ProcessingJobName: name });
});

test('an input under which nothing lies is refused in the words of AWS, and there is no job', async () => {
  const stderr = await refusedJob(
    processingJob(['true'], { ProcessingInputs: [inputAt('raw', 's3://nowhere/raw/')] }),
  );
  expect(stderr).toContain('No S3 objects found under S3 URL "s3://nowhere/raw/"');
});

test('optml process makes the request of its flags; a local source is mapped, and nothing of it copied', async () => {
  const home = await scratch('home');
  await putObject(home, 's3://elsewhere/x', 'content');
  const flags = ['--image', 'optml-shell:latest', '--name', `flags-${process.pid}`];
  const place = [
    '--input',
    './s3/elsewhere:/opt/ml/processing/in',
    '--output',
    '/opt/ml/processing/o=s3://out/o',
  ];
  const words = [
    '--entrypoint',
    'sh',
    '--argument=-c',
    '--argument',
    'cp /opt/ml/processing/in/x "/opt/ml/processing/o/$N"',
  ];
  const result = await optml(['process', ...flags, ...place, ...words, '--environment', 'N=y', '--json'], {
    home,
  });
  expect(result.status).toBe(0);
  expect(await stored(home, 'out/o/y')).toBe('content');
  expect(existsSync(join(home, 's3/optml-local'))).toBe(false);
  expect(JSON.parse(result.stdout)).toMatchObject({
    ProcessingInputs: [{ InputName: 'input-1' }],
    ProcessingOutputConfig: { Outputs: [{ OutputName: 'output-1' }] },
  });
});

test('several instances get their shards, find each other, and write into one prefix', async () => {
  const home = await scratch('home');
  for (const name of ['a', 'b', 'c', 'd', 'e']) await putObject(home, `s3://input-data/raw/${name}`, name);
  const raw = inputAt('raw', 's3://input-data/raw/') as { S3Input: object };
  const { status } = await runJob(
    processingJob(
      [
        'cd /opt/ml/processing; getent hosts algo-1 algo-2 algo-3 > /dev/null; cat raw/* > shards/$(hostname)',
      ],
      {
        ProcessingInputs: [{ ...raw, S3Input: { ...raw.S3Input, S3DataDistributionType: 'ShardedByS3Key' } }],
        ...outputsAt({ shards: 's3://out/shards' }),
        ProcessingResources: {
          ClusterConfig: { InstanceCount: 3, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 },
        },
      },
    ),
    { home },
  );
  expect(status).toBe(0);
  const shards = await Promise.all([1, 2, 3].map(host => stored(home, `out/shards/algo-${host}`)));
  expect(shards).toEqual(['ad', 'be', 'c']);
});
