/** Inputs of processing jobs in Pipe mode, on a real engine: their FIFOs are those of training channels, beside LocalPath. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { namesIn, refusedJob, runJob } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';
import { inputAt, outputsAt, processingJob } from '../harness/processing.js';
import { putObject, writeRequest, type Request } from '../harness/requests.js';

const PIPE = { S3InputMode: 'Pipe' };

async function homeWith(objects: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const home = await scratch('home');
  for (const [uri, content] of Object.entries(objects)) await putObject(home, uri, content);
  return home;
}

function pipeJob(lines: readonly string[], inputs: readonly Request[], members: Request = {}): Request {
  return processingJob(['cd /opt/ml/processing', ...lines], { ProcessingInputs: inputs, ...members });
}

describe('an input in Pipe mode', () => {
  test('is a FIFO for each epoch beside its LocalPath, next to inputs in File mode and outputs', async () => {
    const home = await homeWith({
      's3://data/train/a': 'one ',
      's3://data/train/b': 'two',
      's3://data/files/c': 'file',
    });
    const { status, log, stderr } = await runJob(
      pipeJob(
        [
          "stat -c '%n %F %a' *",
          'cat train_0; echo; until [ -p train_1 ]; do sleep 0.01; done; cat train_1 | tee out/all; echo',
          'cat files/c; echo; grep -o "S3InputMode...Pipe" ../config/processingjobconfig.json | tail -n 1',
        ],
        [inputAt('train', 's3://data/train/', PIPE), inputAt('files', 's3://data/files/')],
        outputsAt({ out: 's3://results/out' }),
      ),
      { home },
    );
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(log).toEqual([
      ...['files directory 755', 'out directory 755', 'train_0 fifo 666'],
      ...['one two', 'one two', 'file', 'S3InputMode":"Pipe'],
    ]);
    expect(stderr).toMatch(/ProcessingInputs\[0\]\.S3Input\.S3InputMode/);
    expect(await namesIn(join(home, 's3/results/out'))).toEqual(['all']);
  });

  test('may lie deep, in a folder for itself, and the image keeps what it has beside that', async () => {
    const home = await homeWith({ 's3://data/a': 'deep', 's3://data/b': 'other' });
    const { status, log } = await runJob(
      pipeJob(
        ['cat in/one/x_0; echo; cat in/two/x_0; echo; find . | LC_ALL=C sort'],
        [inputAt('in/one/x', 's3://data/a', PIPE), inputAt('in/two/x', 's3://data/b', PIPE)],
      ),
      { home },
    );
    expect(status).toBe(0);
    expect(log.slice(0, 2)).toEqual(['deep', 'other']);
    expect(log.slice(2)).toEqual(
      expect.arrayContaining(['.', './in', './in/one', './in/one/x_1', './in/two', './in/two/x_1']),
    );
  });

  test('is unpacked on its way with Gzip, and takes what a manifest names', async () => {
    const home = await homeWith({
      's3://lists/l': '[{"prefix":"s3://data/"},"b.gz","a.gz"]',
      's3://data/a.gz': gzipSync('a'),
      's3://data/b.gz': gzipSync('b'),
    });
    const members = { ...PIPE, S3DataType: 'ManifestFile', S3CompressionType: 'Gzip' };
    const { status, log } = await runJob(
      pipeJob(['cat train_0; echo'], [inputAt('train', 's3://lists/l', members)]),
      { home },
    );
    expect({ status, log }).toEqual({ status: 0, log: ['ba'] });
  });

  test('is dealt out to the hosts by its keys', async () => {
    const home = await homeWith(
      Object.fromEntries(['a', 'b', 'c'].map(name => [`s3://data/train/${name}`, name])),
    );
    const { status, logOf } = await runJob(
      pipeJob(
        ['cat train_0; echo'],
        [inputAt('train', 's3://data/train/', { ...PIPE, S3DataDistributionType: 'ShardedByS3Key' })],
        {
          ProcessingResources: {
            ClusterConfig: { InstanceCount: 2, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 },
          },
        },
      ),
      { home },
    );
    expect(status).toBe(0);
    expect([logOf('algo-1'), logOf('algo-2')]).toEqual([['ac'], ['b']]);
  });

  test('that cannot be unpacked fails the job with its URI, and the reader sees no end', async () => {
    const home = await homeWith({ 's3://data/a.gz': 'no gzip' });
    const { status, described, log } = await runJob(
      pipeJob(
        ['cat train_0 > /tmp/all; echo ended'],
        [inputAt('train', 's3://data/a.gz', { ...PIPE, S3CompressionType: 'Gzip' })],
      ),
      { home },
    );
    expect({ status, log }).toEqual({ status: 1, log: [] });
    expect(described.FailureReason).toMatch(/^ClientError: Data download failed:.*s3:\/\/data\/a\.gz/);
  });
});

test('the plan names the FIFO, and --strict refuses it', async () => {
  const home = await homeWith({ 's3://data/train/a': 'one' });
  const request = await writeRequest(home, pipeJob(['true'], [inputAt('train', 's3://data/train/', PIPE)]));
  const planned = await optml(['plan', request], { home });
  expect(JSON.parse(planned.stdout)).toMatchObject({
    hosts: [
      {
        channels: [
          { mode: 'Pipe', objects: [{ path: '/opt/ml/processing/train_0', uri: 's3://data/train/a' }] },
        ],
      },
    ],
    differences: expect.arrayContaining([
      expect.objectContaining({ member: 'ProcessingInputs[0].S3Input.S3InputMode', asked: 'Pipe' }),
    ]) as unknown,
  });
  const strict = await optml(['run', request, '--strict'], { home });
  expect(strict).toMatchObject({ status: 2, stdout: '' });
  expect(strict.stderr).toContain('ProcessingInputs[0].S3Input.S3InputMode');
});

test.each<[where: string, path: string, others: readonly Request[], outputs: Request]>([
  ['in the folder of an output', 'out/train', [], outputsAt({ out: 's3://results/out' })],
  ['at the LocalPath of an output', 'train', [], outputsAt({ train_0: 's3://results/out' })],
  ['at the LocalPath of another input', 'train', [inputAt('train_12/x', 's3://data/train/')], {}],
])('a FIFO %s is refused by name', async (_, path, others, members) => {
  const home = await homeWith({ 's3://data/train/a': 'one' });
  const inputs = [inputAt(path, 's3://data/train/', PIPE), ...others];
  const said = await refusedJob(pipeJob(['true'], inputs, members), { home });
  expect(said).toContain('ProcessingInputs[0].S3Input.S3InputMode');
  expect(said).toContain('give it a LocalPath apart from them');
});

test('what is AppManaged is left to the application: nothing is brought, made or uploaded', async () => {
  const home = await homeWith({ 's3://data/train/a': 'one' });
  const { status, log, described } = await runJob(
    processingJob(
      [
        'cd /opt/ml; find . -path ./processing -o -path ./output -prune -o -print | LC_ALL=C sort; ls output/data',
        'mkdir -p /opt/ml/processing/out; echo x > /opt/ml/processing/out/x',
      ],
      {
        ProcessingInputs: [
          { ...inputAt('train', 's3://data/train/'), AppManaged: true },
          { InputName: 'bare', AppManaged: true },
        ],
        ProcessingOutputConfig: {
          Outputs: [
            {
              OutputName: 'out',
              AppManaged: true,
              S3Output: {
                S3Uri: 's3://results/out',
                LocalPath: '/opt/ml/processing/out',
                S3UploadMode: 'EndOfJob',
              },
            },
          ],
        },
      },
    ),
    { home },
  );
  expect({ status, log }).toEqual({
    status: 0,
    log: ['.', './config', './config/processingjobconfig.json', './config/resourceconfig.json'],
  });
  expect(await namesIn(join(home, 's3/results'))).toEqual([]);
  expect(described).toMatchObject({
    ProcessingInputs: [{ AppManaged: true }, { InputName: 'bare', AppManaged: true }],
    ProcessingOutputConfig: { Outputs: [{ AppManaged: true }] },
  });
});
