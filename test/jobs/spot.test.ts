/** Managed spot training, rehearsed: interruptions, restarts, limits, and the retries after faults (contract §1.11–1.12). */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { containerOf, keptPaths, sizesIn } from '../harness/aftermath.js';
import { docker } from '../harness/engine.js';
import { heldStop, STOP, type HeldStop } from '../harness/held-stop.js';
import {
  refusedJob,
  runJob,
  startJob,
  type Described,
  type JobOptions,
  type StartedJob,
} from '../harness/job.js';
import { optml, scratch, start } from '../harness/optml.js';
import { channel, putObject, shellJob, type Request } from '../harness/requests.js';
import { HEARS, tell, untilTold } from '../harness/tell.js';
import { md5, startFakeS3 } from '../store/fake-s3.js';

const SPOT = {
  EnableManagedSpotTraining: true,
  StoppingCondition: { MaxRuntimeInSeconds: 600, MaxWaitTimeInSeconds: 600 },
};

/** Counts its starts in a checkpoint; the first ones go on until they are told to end. */
function counting(starts: number, members: Request = {}): Request {
  return shellJob(
    [
      'cd /opt/ml/checkpoints; n=$(($(cat $(hostname) 2>/dev/null || echo 0) + 1)); echo start $n',
      '[ $n -gt 1 ] || echo loss=0.$n',
      'trap "echo told; exit 9" TERM; echo $n > $(hostname); echo $n > /opt/ml/model/$(hostname)-$n',
      `[ $n -gt ${starts} ] || { echo waits; while :; do sleep 0.1; done; }`,
    ],
    { ...SPOT, CheckpointConfig: { S3Uri: 's3://ckpts/c' }, ...members },
  );
}

/** A job whose interruption is due as soon as it has started, and comes when the test lets it. */
async function interrupted(
  request: Request,
  { after = '0.1', args = [], env = {}, ...options }: JobOptions & { readonly after?: string } = {},
): Promise<StartedJob & HeldStop> {
  const stop = await heldStop();
  const job = await startJob(request, {
    ...options,
    args: ['--interrupt-after', after, ...args],
    env: { ...env, ...stop.env },
  });
  return { ...job, ...stop };
}

const RESTART = ['Downloading', 'Training', 'Interrupted', 'Starting'];

function statuses({ SecondaryStatusTransitions }: Described): string[] {
  return SecondaryStatusTransitions.map(one => one.Status);
}

describe('an interruption', () => {
  test('ends all hosts, and new ones go on from the checkpoints; everything else of the old ones is lost', async () => {
    const home = await scratch('home');
    const hosts = ['algo-1', 'algo-2'];
    const job = await interrupted(
      counting(2, { ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 2, VolumeSizeInGB: 1 } }),
      { home, after: '0.2,0.1' },
    );
    for (const host of hosts) await job.shows(`${host} | waits`);
    // The next hosts do not start before their interruption is held, too.
    const removal = job.engine.requests.hold(/^DELETE .*\/containers\//);
    job.release();
    for (const host of hosts) await job.shows(`${host} | told`);
    const second = job.engine.requests.hold(STOP);
    removal.release();
    for (const host of hosts) await job.shows(new RegExp(`${host} \\| start 2\n(.*\n)*${host} \\| waits`));
    second.release();
    const ended = await job.finish();
    expect({ status: ended.status, stderr: ended.stderr }).toMatchObject({ status: 0 });
    for (const host of hosts)
      expect(ended.logOf(host)).toEqual([
        ...['start 1', 'loss=0.1', 'waits', 'told'],
        ...['start 2', 'waits', 'told', 'start 3'],
      ]);
    expect(statuses(ended.described)).toEqual([
      'Starting',
      ...RESTART,
      ...RESTART,
      ...['Downloading', 'Training', 'Uploading', 'Completed'],
    ]);
    expect(Object.keys(await sizesIn(ended.output('model.tar.gz'))).sort()).toEqual(['algo-1-3', 'algo-2-3']);
    expect((await readdir(join(home, 's3/ckpts/c'))).sort()).toEqual(['algo-1', 'algo-2']);
  });

  test('takes no metrics of an earlier start away', async () => {
    const request = counting(1);
    const algorithm = request['AlgorithmSpecification'] as Request;
    const MetricDefinitions = [{ Name: 'loss', Regex: 'loss=([0-9.]+)' }];
    const job = await interrupted({
      ...request,
      AlgorithmSpecification: { ...algorithm, MetricDefinitions },
    });
    await job.shows('algo-1 | waits');
    job.release();
    const { described } = await job.finish();
    expect(described.FinalMetricDataList).toMatchObject([{ MetricName: 'loss' }]);
  });

  test('in the middle of a pipe is no failure of its channel: the next start reads it from the beginning', async () => {
    const home = await scratch('home');
    await putObject(home, 's3://data/train/big', 'x'.repeat(3_000_000));
    const job = await interrupted(
      shellJob(
        [
          'trap "exit 1" TERM; cd /opt/ml/input/data; exec 3< train_0; head -c 1000 <&3 | wc -c',
          '[ -e /opt/ml/checkpoints/once ] || { touch /opt/ml/checkpoints/once; echo waits; while :; do sleep 0.1; done; }',
          'cat <&3 | wc -c',
        ],
        {
          ...SPOT,
          CheckpointConfig: { S3Uri: 's3://ckpts/c' },
          InputDataConfig: [channel('train', 's3://data/train/', { InputMode: 'Pipe' })],
        },
      ),
      { home },
    );
    await job.shows('algo-1 | waits');
    job.release();
    const { status, log } = await job.finish();
    expect({ status, first: log.slice(0, 3) }).toEqual({ status: 0, first: ['1000', 'waits', '1000'] });
    // What `head` has read ahead is lost to `cat`.
    expect(Number(log[3])).toBeGreaterThan(2_900_000);
  });

  test('is told by optml train, too', async () => {
    const request = counting(1, {});
    const { ContainerEntrypoint: [program = '', ...words] = [] } = request['AlgorithmSpecification'] as {
      ContainerEntrypoint?: string[];
    };
    const home = await scratch('home');
    const name = String(request['TrainingJobName']);
    const { env, release } = await heldStop();
    const running = start(
      [
        ...[
          'train',
          '--name',
          name,
          '--image',
          'optml-shell:latest',
          '--output',
          's3://outputs/here',
          '--json',
        ],
        ...[program, ...words].map(word => `--entrypoint=${word}`),
        ...['--spot', '--max-runtime', '300', '--checkpoints', 's3://ckpts/c', '--interrupt-after', '0.1'],
      ],
      { home, env },
    );
    await running.shows('algo-1 | waits');
    release();
    const { status, stdout, stderr } = await running.ended;
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const described = JSON.parse(stdout) as Described;
    expect(described).toMatchObject({
      EnableManagedSpotTraining: true,
      StoppingCondition: { MaxRuntimeInSeconds: 300, MaxWaitTimeInSeconds: 300 },
      CheckpointConfig: { S3Uri: 's3://ckpts/c' },
    });
    expect(statuses(described)).toContain('Interrupted');
  });

  test('that comes too late is told of', async () => {
    const { status, stderr, described } = await runJob(counting(0), { args: ['--interrupt-after', '600'] });
    expect(status).toBe(0);
    expect(statuses(described)).not.toContain('Interrupted');
    expect(stderr).toContain(
      'ended before the interruption of --interrupt-after, 600 s after its start, could come',
    );
  });

  test('does not cover a failure that came before', async () => {
    const { described } = await runJob(shellJob('exit 3', SPOT), { args: ['--interrupt-after', '600'] });
    expect(described.FailureReason).toBe('AlgorithmError: , exit code: 3');
  });

  test('in which a stop comes ends the job as Stopped, with what the hosts had', async () => {
    const home = await scratch('home');
    const job = await interrupted(
      shellJob(
        [
          HEARS,
          'echo 1 > /opt/ml/checkpoints/step; echo 1 > /opt/ml/model/m',
          `trap 'echo told; ${untilTold()}; exit' TERM; echo waits; while :; do sleep 0.1; done`,
        ],
        { ...SPOT, CheckpointConfig: { S3Uri: 's3://ckpts/c' } },
      ),
      { home },
    );
    await job.shows('algo-1 | waits');
    job.release();
    await job.shows('algo-1 | told');
    const stopped = optml(['stop', job.name], { home });
    await job.shows('Stopping - ');
    await tell(job.name);
    expect((await stopped).status).toBe(0);
    const { status, described, output } = await job.finish();
    expect({ status, job: described.SecondaryStatus }).toEqual({ status: 4, job: 'Stopped' });
    expect(statuses(described).slice(2)).toEqual([
      'Training',
      'Interrupted',
      'Stopping',
      'Uploading',
      'Stopped',
    ]);
    expect(Object.keys(await sizesIn(output('model.tar.gz')))).toEqual(['m']);
    expect(await readdir(join(home, 's3/ckpts/c'))).toEqual(['step']);
  });

  test('whose checkpoints the store does not take fails the job, and they are kept', async () => {
    await using server = await startFakeS3((answer, { method, path, query, body }) => {
      if (query.has('list-type'))
        answer.writeHead(200).end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
      else if (method === 'PUT' && path.startsWith('/ckpts/'))
        answer.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>');
      else answer.writeHead(200, { etag: `"${md5(body)}"` }).end();
    });
    const job = await interrupted(counting(1), {
      args: ['--store', server.url],
      env: { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' },
    });
    await job.shows('algo-1 | waits');
    job.release();
    const ended = await job.finish();
    expect(ended.described.FailureReason).toMatch(/^ClientError: Artifact upload failed:.*AccessDenied/);
    expect(ended.log).toEqual(['start 1', 'loss=0.1', 'waits', 'told']);
    expect(await keptPaths(ended)).toHaveLength(1);
  });
});

describe('limits', () => {
  test('MaxWaitTimeInSeconds ends a job that has been interrupted, when its runtime is not over', async () => {
    // Both count from the start of the job. The interruption ends the one for a while; it must come before the limit.
    const limits = { MaxRuntimeInSeconds: 8, MaxWaitTimeInSeconds: 8 };
    const job = await interrupted(counting(9, { StoppingCondition: limits }));
    await job.shows('algo-1 | waits');
    const removal = job.engine.requests.hold(/^DELETE .*\/containers\//);
    job.release();
    await job.shows('Stopping - ');
    removal.release();
    const { status, described } = await job.finish();
    expect(status).toBe(4);
    expect(described).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxWaitTimeExceeded' });
    expect(described).not.toHaveProperty('FailureReason');
    expect(statuses(described)).toContain('Interrupted');
  });

  test('MaxPendingTimeInSeconds and MaxWaitTimeInSeconds end no job that does not wait', async () => {
    const limits = { MaxRuntimeInSeconds: 60, MaxWaitTimeInSeconds: 60, MaxPendingTimeInSeconds: 7200 };
    const { status, described } = await runJob(counting(0, { StoppingCondition: limits }));
    expect(status).toBe(0);
    expect(described['TrainingTimeInSeconds']).toBe(described['BillableTimeInSeconds']);
  });
});

describe('--interrupt-after', () => {
  test('is for jobs on spot instances', async () => {
    const stderr = await refusedJob(shellJob('true'), { args: ['--interrupt-after', '1'] });
    expect(stderr).toContain('set EnableManagedSpotTraining to true and MaxWaitTimeInSeconds');
  });

  test.each(['0', 'soon', '1,,2', '-1', '1,0', '99999999'])('%s is no time', async seconds => {
    const stderr = await refusedJob(shellJob('true', SPOT), { args: [`--interrupt-after=${seconds}`] });
    expect(stderr).toContain(`--interrupt-after "${seconds}": expected seconds`);
  });
});

describe('RetryStrategy', () => {
  const once = { RetryStrategy: { MaximumRetryAttempts: 1 }, EnableManagedSpotTraining: false };

  test('starts a job anew whose container somebody removed, with the checkpoints', async () => {
    const job = await startJob(counting(1, { ...once, StoppingCondition: { MaxRuntimeInSeconds: 60 } }));
    await job.shows('algo-1 | waits');
    await docker('rm', '-f', await containerOf(job.name));
    const { status, described, log } = await job.finish();
    expect({ status, log }).toEqual({
      status: 0,
      log: ['start 1', 'loss=0.1', 'waits', 'start 2'],
    });
    expect(statuses(described).slice(0, 6)).toEqual([
      ...['Starting', 'Downloading', 'Training', 'Starting', 'Downloading', 'Training'],
    ]);
  });

  test('no more often than it says, and not after a failure of the algorithm', async () => {
    const job = await startJob(counting(9, { ...once, StoppingCondition: { MaxRuntimeInSeconds: 60 } }));
    for (const start of ['start 1', 'start 2']) {
      await job.shows(new RegExp(`algo-1 \\| ${start}\n(.*\n)*algo-1 \\| waits`));
      await docker('rm', '-f', await containerOf(job.name));
    }
    const { described, log } = await job.finish();
    expect(described.FailureReason).toMatch(/^InternalServerError/);
    expect(log.filter(line => line.startsWith('start'))).toEqual(['start 1', 'start 2']);
    const failed = await runJob(
      shellJob(['echo once; exit 1'], { RetryStrategy: { MaximumRetryAttempts: 3 } }),
    );
    expect(failed.log).toEqual(['once']);
  });
});
