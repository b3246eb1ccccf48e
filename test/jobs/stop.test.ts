/** Stopping a job: signals to the command, `optml stop` from another process, and what becomes of the outputs (contract §1.11). */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { keptText, ROOMS_ARE_VOLUMES } from '../harness/aftermath.js';
import { docker } from '../harness/engine.js';
import {
  namesIn,
  runJob,
  seesNothingLeft,
  STACK_TRACE,
  startJob,
  type Described,
  type StartedJob,
} from '../harness/job.js';
import { optml, scratch, start } from '../harness/optml.js';
import { channel, shellJob, writeRequest } from '../harness/requests.js';
import { md5, startFakeS3, type Script } from '../store/fake-s3.js';

const run = promisify(execFile);

/** Says `ready`; on SIGTERM saves something and ends with a status of its own. */
const SAVES = [
  "trap 'echo heard; echo saved > /opt/ml/model/late; exit 7' TERM",
  'echo early > /opt/ml/model/early',
  'echo ready',
  'sleep 600 & wait',
];

/** Says `ready`; on SIGTERM goes on, and says so when half a second is over. */
const STAYS = [
  "trap 'echo heard; sleep 0.5; echo still here' TERM",
  'echo written > /opt/ml/model/file; echo more > /opt/ml/output/data/file',
  'echo ready',
  'while :; do sleep 600 & wait $!; done',
];

async function started(lines: readonly string[], members = {}): Promise<StartedJob> {
  const job = await startJob(shellJob(lines, members));
  await job.shows('algo-1 | ready');
  return job;
}

function statuses({ SecondaryStatusTransitions }: Described): string[] {
  return SecondaryStatusTransitions.map(one => one.Status);
}

describe('the first signal', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s stops the job: the container hears SIGTERM, its outputs are uploaded, exit status 4',
    async signal => {
      const job = await started(SAVES);
      job.signal(signal);
      const { status, described, log, output } = await job.finish();
      expect({ status, log }).toEqual({ status: 4, log: ['ready', 'heard'] });
      expect(described).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'Stopped' });
      expect(described).not.toHaveProperty('FailureReason');
      expect(statuses(described)).toEqual([
        'Starting',
        'Downloading',
        'Training',
        'Stopping',
        'Uploading',
        'Stopped',
      ]);
      expect(described.SecondaryStatusTransitions.map(one => one.StatusMessage)).toContain(
        'Stopping the training job',
      );
      const { stdout } = await run('tar', ['-tzf', output('model.tar.gz')]);
      expect(stdout.trim().split('\n').sort()).toEqual(['early', 'late']);
    },
  );

  test('a container that ends with 0 on being stopped is Stopped all the same', async () => {
    const job = await started(["trap 'exit 0' TERM", 'echo ready', 'sleep 600 & wait']);
    job.signal('SIGTERM');
    const { status, described } = await job.finish();
    expect({ status, job: described.SecondaryStatus }).toEqual({ status: 4, job: 'Stopped' });
  });

  test('a failure file written while stopping changes nothing', async () => {
    const job = await started([
      "trap 'echo why > /opt/ml/output/failure; exit 1' TERM",
      'echo ready',
      'sleep 600 & wait',
    ]);
    job.signal('SIGTERM');
    const { status, described } = await job.finish();
    expect({ status, job: described.SecondaryStatus }).toEqual({ status: 4, job: 'Stopped' });
    expect(described).not.toHaveProperty('FailureReason');
  });

  test('two signals within a quarter of a second are one', async () => {
    const job = await started(SAVES);
    // It stands still until both are there: how far apart they come is not left to chance.
    job.signal('SIGSTOP');
    await untilStopped(job.pid);
    job.signal('SIGINT');
    job.signal('SIGTERM');
    job.signal('SIGCONT');
    const { status, log } = await job.finish();
    expect({ status, log }).toEqual({ status: 4, log: ['ready', 'heard'] });
  });
});

test('a signal that comes when the job has ended does not change the exit status', async () => {
  const job = await startJob(shellJob('exit 1'));
  await job.shows('"TrainingJobStatus"');
  job.signal('SIGTERM');
  const { status, signal } = await job.finish();
  expect({ status, signal }).toEqual({ status: 1, signal: null });
});

describe('the second signal', () => {
  test('kills at once: exit status 130, outputs kept and named, nothing uploaded', async () => {
    const job = await started(STAYS);
    job.signal('SIGINT');
    await job.shows('algo-1 | still here');
    const before = performance.now();
    job.signal('SIGINT');
    await job.ended;
    const took = performance.now() - before;
    const { status, described, stderr, home, output } = await job.finish();
    expect(status).toBe(130);
    // Two seconds at most on a machine that is idle, and nothing of the two minutes of grace on a busy one.
    expect(took).toBeLessThan(20_000);
    expect(described).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'Stopped' });
    expect(await namesIn(output(''))).toEqual([]);
    const [run = ''] = await namesIn(join(home, 'kept'));
    for (const [name, text] of [
      ['model', 'written\n'],
      ['output-data', 'more\n'],
    ] as const) {
      const kept = join(home, 'kept', run, ROOMS_ARE_VOLUMES ? `${name}.tar` : name);
      expect(stderr).toContain(kept);
      expect(await keptText(kept, 'file')).toBe(text);
    }
    expect(stderr).not.toMatch(STACK_TRACE);
  });

  test('while the upload hangs, kills it, and the outputs are kept', async () => {
    let onUpload: () => void = () => undefined;
    const uploading = new Promise<void>(resolve => (onUpload = resolve));
    await using server = await startFakeS3((answer, { method }) => {
      if (method === 'HEAD' || method === 'GET') answer.writeHead(200).end();
      else onUpload();
    });
    const lines = [
      "trap 'sleep 0.5; exit 0' TERM",
      'echo written > /opt/ml/model/file',
      'echo ready',
      'sleep 600 & wait',
    ];
    const job = await startJob(shellJob(lines), storeAt(server.url));
    await job.shows('algo-1 | ready');
    job.signal('SIGTERM');
    await uploading;
    job.signal('SIGTERM');
    const { status, stderr, home } = await job.finish();
    expect(status).toBe(130);
    const [run = ''] = await namesIn(join(home, 'kept'));
    const kept = join(home, 'kept', run, ROOMS_ARE_VOLUMES ? 'model.tar' : 'model');
    expect(stderr).toContain(kept);
    expect(await keptText(kept, 'file')).toBe('written\n');
  });
});

test('a signal while outputs are uploaded changes nothing: the job is Completed, with its model', async () => {
  let onUpload: (finish: () => void) => void = () => undefined;
  const uploading = new Promise<() => void>(resolve => (onUpload = resolve));
  await using server = await startFakeS3((answer, { method, body }) => {
    if (method === 'PUT') onUpload(() => answer.writeHead(200, { etag: `"${md5(body)}"` }).end());
    else answer.writeHead(200).end();
  });
  const job = await startJob(shellJob('echo x > /opt/ml/model/x'), storeAt(server.url));
  const finishUpload = await uploading;
  job.signal('SIGINT');
  await job.shows('Press again');
  finishUpload();
  const { status, described } = await job.finish();
  expect(status).toBe(0);
  expect(described).toMatchObject({ TrainingJobStatus: 'Completed', SecondaryStatus: 'Completed' });
  expect(described.ModelArtifacts?.S3ModelArtifacts).toMatch(/model\.tar\.gz$/);
});

describe('before the container runs', () => {
  const KEY = 'train/big';

  /** A store that lists one object and sends the half of it; `asked` resolves then. */
  function halfAnObject(): { readonly script: Script; readonly asked: Promise<void> } {
    let onAsked: () => void = () => undefined;
    const asked = new Promise<void>(resolve => (onAsked = resolve));
    const script: Script = (answer, { method, path, query }) => {
      if (method === 'HEAD') answer.writeHead(200).end();
      else if (query.has('list-type'))
        answer.writeHead(200, { 'content-type': 'application/xml' }).end(listing(KEY, 1000));
      else if (path.endsWith(KEY)) {
        answer.writeHead(200, { 'content-length': 1000, etag: '"e"' });
        answer.write('x'.repeat(500), onAsked);
      } else answer.writeHead(404).end();
    };
    return { script, asked };
  }

  test('a stop while data is downloaded ends the job as Stopped, and the container never starts', async () => {
    const { script, asked } = halfAnObject();
    await using server = await startFakeS3(script);
    const request = shellJob('echo ran', { InputDataConfig: [channel('train', 's3://data/train/')] });
    const job = await startJob(request, storeAt(server.url));
    await asked;
    job.signal('SIGTERM');
    const { status, log, described } = await job.finish();
    expect({ status, log }).toEqual({ status: 4, log: [] });
    expect(described).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'Stopped' });
    expect(statuses(described)).toEqual(['Starting', 'Downloading', 'Stopping', 'Stopped']);
    expect(described).not.toHaveProperty('ModelArtifacts');
  });

  test('so does "optml stop" from another process', async () => {
    const { script, asked } = halfAnObject();
    await using server = await startFakeS3(script);
    const request = shellJob('echo ran', { InputDataConfig: [channel('train', 's3://data/train/')] });
    const job = await startJob(request, storeAt(server.url));
    await asked;
    const stopped = await optml(['stop', job.name], { home: job.home });
    expect({ status: stopped.status, stdout: stopped.stdout }).toEqual({ status: 0, stdout: '' });
    expect((await job.finish()).status).toBe(4);
  });

  test('MaxRuntimeInSeconds counts the download', async () => {
    const { script } = halfAnObject();
    await using server = await startFakeS3(script);
    const request = shellJob('echo ran', {
      InputDataConfig: [channel('train', 's3://data/train/')],
      StoppingCondition: { MaxRuntimeInSeconds: 1 },
    });
    const { status, log, described } = await runJob(request, storeAt(server.url));
    expect({ status, log }).toEqual({ status: 4, log: [] });
    expect(described).toMatchObject({ TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxRuntimeExceeded' });
  });

  test('a signal while the request is still examined leaves no job, with exit status 130', async () => {
    let onList: () => void = () => undefined;
    const asked = new Promise<void>(resolve => (onList = resolve));
    await using server = await startFakeS3((_, { query }) => {
      if (query.has('list-type')) onList();
    });
    const request = shellJob('echo ran', { InputDataConfig: [channel('train', 's3://data/train/')] });
    const job = await startJob(request, storeAt(server.url));
    await asked;
    job.signal('SIGINT');
    const { status, stdout, stderr } = await job.ended;
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(stderr).toContain('Interrupted before the job had started');
    expect(stderr).not.toMatch(STACK_TRACE);
    expect(await namesIn(join(job.home, 'jobs/training'))).toEqual([]);
    await seesNothingLeft(job.home, job.name);
  });
});

describe('"optml stop"', () => {
  test('from another process stops the job, and returns when it has ended', async () => {
    const job = await started(SAVES);
    const stopped = await optml(['stop', job.name], { home: job.home });
    expect({ status: stopped.status, stdout: stopped.stdout }).toEqual({ status: 0, stdout: '' });
    expect(stopped.stderr).toContain(`${job.name}: Stopped`);
    expect(await docker('ps', '-q', '--filter', `label=optml.job=${job.name}`)).toBe('');
    const { status, log, output } = await job.finish();
    expect({ status, log }).toEqual({ status: 4, log: ['ready', 'heard'] });
    expect(await namesIn(output(''))).toEqual(['model.tar.gz']);
  });

  test('twice at once is once', async () => {
    const job = await started(SAVES);
    const both = await Promise.all([0, 1].map(() => optml(['stop', job.name], { home: job.home })));
    // The second may come when the job has ended, which it then says.
    expect(both.map(one => one.status)).toContain(0);
    const { status, log } = await job.finish();
    expect({ status, log }).toEqual({ status: 4, log: ['ready', 'heard'] });
  });

  test("of an ended job is refused in AWS's words", async () => {
    const { home, described } = await runJob(shellJob('true'));
    const { status, stdout, stderr } = await optml(['stop', described.TrainingJobName], { home });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe('optml: The request was rejected because the training job is in status Completed.\n');
  });

  test('of a job in another home is not known', async () => {
    const job = await started(SAVES);
    const { status, stderr } = await optml(['stop', job.name], { home: await scratch('other') });
    expect(status).toBe(2);
    expect(stderr).toContain('Requested resource not found.');
    job.signal('SIGTERM');
    expect((await job.finish()).status).toBe(4);
  });
});

test('with several files, a signal ends the one that runs and starts no further one', async () => {
  const home = await scratch('home');
  const [first, second] = [shellJob(SAVES), shellJob('echo second')];
  const files = [await writeRequest(home, first), await writeRequest(home, second)];
  const running = start(['run', ...files, '--json'], { home });
  await running.shows('algo-1 | ready');
  running.signal('SIGINT');
  const { status, stdout, stderr } = await running.ended;
  expect(status).toBe(4);
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map(line => (JSON.parse(line) as Described).TrainingJobName),
  ).toEqual([first['TrainingJobName']]);
  expect(stderr).not.toContain('second');
  const list = await optml(['ps', '--json'], { home });
  expect(JSON.parse(list.stdout)).toHaveLength(1);
  await seesNothingLeft(home, String(first['TrainingJobName']), String(second['TrainingJobName']));
});

/** When a process stands still. */
async function untilStopped(pid: number): Promise<void> {
  while (!/^State:\tT/m.test(await readFile(`/proc/${pid}/status`, 'utf8'))) await delay(1);
}

function storeAt(url: string): { args: string[]; env: Record<string, string> } {
  return { args: ['--store', url], env: { AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'SK' } };
}

function listing(key: string, size: number): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Name>data</Name><Prefix>train/</Prefix><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>` +
    `<Contents><Key>${key}</Key><Size>${size}</Size><ETag>&quot;e&quot;</ETag></Contents></ListBucketResult>`
  );
}
