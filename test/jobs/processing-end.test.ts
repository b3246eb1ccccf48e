/** How processing jobs end, on a real engine (contract §2.8): by their limit, by a stop, by kill -9, and their last words. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clean, expectNothingLeft, expectStatus, keptPaths, keptText } from '../harness/aftermath.js';
import { gatedStore } from '../harness/gated-store.js';
import { heldStop } from '../harness/held-stop.js';
import { namesIn, refusedJob, runJob, startJob } from '../harness/job.js';
import { optml, scratch, start } from '../harness/optml.js';
import { asOrdinaryUser, expectOwned } from '../harness/ordinary-user.js';
import { inputAt, outputsAt, processingJob } from '../harness/processing.js';
import { putObject, writeRequest, type Request } from '../harness/requests.js';
import { HEARS, tell, untilTold } from '../harness/tell.js';

const WRITES = 'echo half > /opt/ml/processing/out/half; echo written';
/** Writes, says so, and goes on until it is told to end. */
const STAYS = [
  'trap "echo late > /opt/ml/processing/out/late; exit 0" TERM',
  WRITES,
  'while :; do sleep 0.1; done',
];
/** For a container that starts in this time, which counts, and is told to end when it is over. */
const SOON = { StoppingCondition: { MaxRuntimeInSeconds: 5 } };
const OUT = outputsAt({ out: 's3://results/out' });

function hosts(count: number): Request {
  return {
    ProcessingResources: {
      ClusterConfig: { InstanceCount: count, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 },
    },
  };
}

function result(home: string, name: string): Promise<string> {
  return readFile(join(home, 's3/results/out', name), 'utf8');
}

describe('a job ends', () => {
  test('as Stopped when MaxRuntimeInSeconds is over: it has its grace, and its outputs are uploaded', async () => {
    const home = await scratch('home');
    const { env, release } = await heldStop();
    const job = await startJob(processingJob(STAYS, { ...OUT, ...SOON }), { home, env });
    await job.shows('algo-1 | written');
    release();
    const { status, described } = await job.finish();
    expect(status).toBe(4);
    expect(described).toMatchObject({ ProcessingJobStatus: 'Stopped' });
    expect(described).not.toHaveProperty('FailureReason');
    expect([await result(home, 'half'), await result(home, 'late')]).toEqual(['half\n', 'late\n']);
  });

  test('on every instance when it is stopped, and what each has written is in the one prefix', async () => {
    const home = await scratch('home');
    const job = await startJob(
      processingJob(
        [
          'trap "echo late > /opt/ml/processing/out/$(hostname); exit 0" TERM; echo up',
          'while :; do sleep 0.1; done',
        ],
        { ...OUT, ...hosts(2) },
      ),
      { home },
    );
    await job.shows('algo-1 | up');
    await job.shows('algo-2 | up');
    job.signal('SIGTERM');
    const { status } = await job.finish();
    expect(status).toBe(4);
    expect(await namesIn(join(home, 's3/results/out'))).toEqual(['algo-1', 'algo-2']);
  });

  test('as Failed when one of its containers fails, and the outputs of all are uploaded', async () => {
    const home = await scratch('home');
    const job = await startJob(
      processingJob(
        [
          HEARS,
          'trap "exit 0" TERM; echo x > /opt/ml/processing/out/$(hostname); echo up',
          `${untilTold()}; exit 3`,
        ],
        { ...OUT, ...hosts(2) },
      ),
      { home },
    );
    await job.shows('algo-1 | up');
    await job.shows('algo-2 | up');
    await tell(job.name, 'algo-2');
    const { status, described } = await job.finish();
    expect(status).toBe(1);
    expect(described).toMatchObject({
      ProcessingJobStatus: 'Failed',
      FailureReason: 'AlgorithmError: , exit code: 3',
    });
    expect(await namesIn(join(home, 's3/results/out'))).toContain('algo-2');
  });

  test.each(['EndOfJob', 'Continuous'])(
    'as Failed when optml was killed: clean ends it and uploads its %s outputs',
    async mode => {
      const home = await scratch('home');
      const request = processingJob(STAYS, outputsAt({ out: 's3://results/out' }, mode));
      const name = String(request['ProcessingJobName']);
      const running = start(['run', await writeRequest(home, request)], { home });
      await running.shows('algo-1 | written');
      running.signal('SIGKILL');
      await running.ended;
      expect(await clean(name, { home })).toEqual([{ what: 'job', name, job: name, done: 'closed' }]);
      await expectNothingLeft(home, name);
      expect(await result(home, 'half')).toBe('half\n');
      const described = await optml(['describe', name, '--json'], { home });
      expectStatus(described, 0);
      expect(JSON.parse(described.stdout)).toMatchObject({ ProcessingJobStatus: 'Failed' });
    },
  );
});

test('an output that cannot be uploaded is kept and named, and the job has failed', async () => {
  const store = await gatedStore();
  const sending = store.requests.hold(/^PUT \/results\/out\/half/);
  const job = await startJob(processingJob([WRITES, 'echo "last words" > /opt/ml/output/message'], OUT), {
    env: store.env,
    args: ['--store', store.url],
  });
  await sending.reached;
  await store.stop();
  sending.release();
  const ended = await job.finish();
  expect(ended.status).toBe(1);
  expect(ended.described).toMatchObject({ ProcessingJobStatus: 'Failed', ExitMessage: 'last words\n' });
  expect(ended.described.FailureReason).toMatch(/^ClientError: .*upload/i);
  const [kept = ''] = await keptPaths(ended);
  expect(await keptText(kept, 'half')).toBe('half\n');
});

test('where two instances write one path, the first one stands, and the other is named', async () => {
  const home = await scratch('home');
  const { status, stderr } = await runJob(
    processingJob(['cd /opt/ml/processing/out; hostname > same; : > $(hostname)'], { ...OUT, ...hosts(2) }),
    { home },
  );
  expect(status).toBe(0);
  expect(await namesIn(join(home, 's3/results/out'))).toEqual(['algo-1', 'algo-2', 'same']);
  expect(await result(home, 'same')).toBe('algo-1\n');
  expect(stderr).toMatch(/an earlier host wrote these paths too.*algo-2: "same"/);
});

describe('ExitMessage', () => {
  test('is that of all instances, whatever their end', async () => {
    const { status, described } = await runJob(
      processingJob(['printf "from $(hostname). " > /opt/ml/output/message; exit 0'], hosts(2)),
    );
    expect(status).toBe(0);
    expect(
      String(described['ExitMessage'])
        .match(/from algo-[12]\. /g)
        ?.sort(),
    ).toEqual(['from algo-1. ', 'from algo-2. ']);
  });

  test('is that of a stopped job, too, and never that of a link or a folder', async () => {
    const { env, release } = await heldStop();
    const job = await startJob(
      processingJob(
        ['trap "exit 0" TERM; printf said > /opt/ml/output/message; echo up; while :; do sleep 0.1; done'],
        SOON,
      ),
      { env },
    );
    await job.shows('algo-1 | up');
    release();
    const words = await job.finish();
    expect(words.described).toMatchObject({ ProcessingJobStatus: 'Stopped', ExitMessage: 'said' });
    const link = await runJob(processingJob(['ln -s /etc/passwd /opt/ml/output/message']));
    expect(link.status).toBe(0);
    expect(link.described).not.toHaveProperty('ExitMessage');
    const folder = await runJob(processingJob(['mkdir /opt/ml/output/message']));
    expect(folder.status).toBe(0);
    expect(folder.described).not.toHaveProperty('ExitMessage');
  });

  test('ends before a character that the limit cuts', async () => {
    const { status, described } = await runJob(
      processingJob([`printf '%01023d\\303\\274' 0 > /opt/ml/output/message`]),
    );
    expect(status).toBe(0);
    expect(described['ExitMessage']).toBe('0'.repeat(1023));
  });
});

test('under network isolation there is no network, and neither keys nor an address of the store', async () => {
  const { status, log } = await runJob(
    processingJob(
      [
        'grep -c eth /proc/net/dev; env | grep -cE "AWS_(ACCESS|SECRET|ENDPOINT)|S3_ENDPOINT"; getent hosts algo-1 | tr -s " "',
      ],
      { NetworkConfig: { EnableNetworkIsolation: true } },
    ),
  );
  expect({ status, log }).toEqual({ status: 0, log: ['0', '0', '127.0.0.1 algo-1'] });
});

test('in the hands of an ordinary user everything comes out, and nothing is left that it cannot delete', async () => {
  const home = await scratch('home');
  await putObject(home, 's3://data/raw/a', 'raw');
  const job = processingJob(
    [
      'cd /opt/ml/processing; umask 077; cat in/a > out/copy; echo more >> in/a; echo c > live/c',
      'ln -s /etc/passwd out/link; printf said > /opt/ml/output/message',
    ],
    {
      ProcessingInputs: [inputAt('in', 's3://data/raw/')],
      ProcessingOutputConfig: {
        Outputs: ['out', 'live'].map(name => ({
          OutputName: name,
          S3Output: {
            S3Uri: `s3://results/${name}`,
            LocalPath: `/opt/ml/processing/${name}`,
            S3UploadMode: name === 'live' ? 'Continuous' : 'EndOfJob',
          },
        })),
      },
    },
  );
  const { status, described, stderr } = await runJob(job, await asOrdinaryUser(home));
  expect(status).toBe(0);
  expect(await result(home, 'copy')).toBe('raw');
  expect(await readFile(join(home, 's3/results/live/c'), 'utf8')).toBe('c\n');
  expect(await namesIn(join(home, 's3/results/out'))).toEqual(['copy']);
  expect(described).toMatchObject({ ExitMessage: 'said' });
  expect(stderr).toContain('uploaded when it has ended');
  await expectOwned(home);
});

describe('is refused before there is a job', () => {
  const eleven = <T>(make: (index: number) => T): T[] =>
    Array.from({ length: 11 }, (_, index) => make(index));

  test.each<[string, Request]>([
    [
      "'/opt/ml/processing/in' is the LocalPath of ProcessingInputs[0].S3Input.LocalPath already",
      {
        ProcessingInputs: [inputAt('in', 's3://data/a'), { ...inputAt('in', 's3://data/b'), InputName: 'b' }],
      },
    ],
    [
      "It must be a path below /opt/ml/processing/ without .., but it is '/opt/ml/input'.",
      { ProcessingInputs: [inputAt('in', 's3://data/a', { LocalPath: '/opt/ml/input' })] },
    ],
    [
      "at 'processingInputs' failed to satisfy constraint: Member must have length less than or equal to 10",
      { ProcessingInputs: eleven(index => inputAt(`i${index}`, 's3://data/a')) },
    ],
    [
      "at 'processingOutputConfig.outputs' failed to satisfy constraint: Member must have length less than or equal to 10",
      outputsAt(Object.fromEntries(eleven(index => [`o${index}`, 's3://results/o']))),
    ],
    [
      'Input in missing one or more required fields for SageMaker-managed S3Input: "LocalPath", "S3DownloadMode", "S3InputMode"',
      { ProcessingInputs: [{ InputName: 'in', S3Input: { S3Uri: 's3://data/a', S3DataType: 'S3Prefix' } }] },
    ],
    [
      'S3CompressionType Gzip is for Pipe mode only',
      { ProcessingInputs: [inputAt('in', 's3://data/a', { S3CompressionType: 'Gzip' })] },
    ],
    ['Member must be less than or equal to 777600', { StoppingCondition: { MaxRuntimeInSeconds: 777_601 } }],
    [
      'No S3 objects found under S3 URL "s3://data/list"',
      { ProcessingInputs: [inputAt('in', 's3://data/list', { S3DataType: 'ManifestFile' })] },
    ],
  ])('%s', async (words, members) => {
    expect(await refusedJob(processingJob(['true'], members))).toContain(words);
  });
});

test('a manifest brings what it names under the whole keys; one that is none fails the job with its URI', async () => {
  const home = await scratch('home');
  await putObject(home, 's3://lists/good', '[{"prefix":"s3://data/some/"},"a","deep/b"]');
  await putObject(home, 's3://lists/bad', '{"prefix":"s3://data/"}');
  await putObject(home, 's3://data/some/a', 'a');
  await putObject(home, 's3://data/some/deep/b', 'b');
  const from = (list: string): Request =>
    processingJob(['cd /opt/ml/processing/in; find . -type f | LC_ALL=C sort'], {
      ProcessingInputs: [inputAt('in', `s3://lists/${list}`, { S3DataType: 'ManifestFile' })],
    });
  const good = await runJob(from('good'), { home });
  expect(good).toMatchObject({ status: 0, log: ['./some/a', './some/deep/b'] });
  const bad = await runJob(from('bad'), { home });
  expect(bad).toMatchObject({ status: 1, log: [] });
  expect(bad.described.FailureReason).toMatch(/^ClientError: Data download failed:.*s3:\/\/lists\/bad/);
});
