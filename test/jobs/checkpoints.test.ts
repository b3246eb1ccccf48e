/** Checkpoints: restored on every host, uploaded while the job runs, deletes carried over, flushed at the end (contract §1.9). */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  clean,
  describeJob,
  expectNothingLeft,
  keptPaths,
  keptText,
  ROOMS_ARE_VOLUMES,
  sizesIn,
} from '../harness/aftermath.js';
import { namesIn, refusedJob, runJob, startJob } from '../harness/job.js';
import { asOrdinaryUser } from '../harness/ordinary-user.js';
import { scratch } from '../harness/optml.js';
import { putObject, shellJob, type Request } from '../harness/requests.js';
import { HEARS, tell, untilTold } from '../harness/tell.js';
import { md5, startFakeS3, type Script } from '../store/fake-s3.js';

/** `uploaded FILE` waits for SageMaker's mark beside it, `go` for the test. */
const WORDS = [
  'uploaded() { until [ -e $1.sagemaker-uploaded ]; do sleep 0.05; done; }',
  HEARS,
  `go() { ${untilTold()}; told=0; }`,
  'mkdir -p /opt/ml/checkpoints; cd /opt/ml/checkpoints',
];

function checkpointed(lines: readonly string[], members: Request = {}): Request {
  return shellJob([...WORDS, ...lines], { CheckpointConfig: { S3Uri: 's3://ckpts/run/state' }, ...members });
}

/** Paths below the prefix in the embedded store, and what each file says. */
async function stored(home: string): Promise<Record<string, string>> {
  const folder = join(home, 's3/ckpts/run/state');
  const names = (await namesIn(folder)).length === 0 ? [] : await readdir(folder, { recursive: true });
  const texts: Record<string, string> = {};
  for (const name of names.sort())
    texts[name] = await readFile(join(folder, name), 'utf8').catch(() => 'a folder');
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== 'a folder'));
}

describe('one host', () => {
  test('what it writes is in the store while it runs, with marks beside it; what it removes is removed there', async () => {
    const home = await scratch('home');
    const wait = ROOMS_ARE_VOLUMES
      ? ['uploaded() { :; }', 'gone() { :; }']
      : ['gone() { while [ -e $1 ]; do sleep 0.05; done; }'];
    const job = await startJob(
      checkpointed([
        ...wait,
        'mkdir -p tmp-1/deep; echo one > tmp-1/deep/weights; echo no > half.sagemaker-ignore; ln -s /etc/passwd link',
        'uploaded tmp-1/deep/weights; ls tmp-1/deep; echo first; go',
        'mv tmp-1 step-1; rm step-1/deep/*.sagemaker-*; mv half.sagemaker-ignore whole; uploaded whole',
        'uploaded step-1/deep/weights; echo second; go',
        'rm whole; gone whole.sagemaker-uploaded; echo two > step-1/deep/weights; echo third; go',
        'echo last > last',
      ]),
      { home },
    );
    if (ROOMS_ARE_VOLUMES) await job.shows('will be uploaded when it has ended');
    await job.shows('algo-1 | first');
    if (!ROOMS_ARE_VOLUMES) expect(await stored(home)).toEqual({ 'tmp-1/deep/weights': 'one\n' });
    await tell(job.name);
    await job.shows('algo-1 | second');
    if (!ROOMS_ARE_VOLUMES)
      expect(await stored(home)).toEqual({ 'step-1/deep/weights': 'one\n', whole: 'no\n' });
    await tell(job.name);
    await job.shows('algo-1 | third');
    if (!ROOMS_ARE_VOLUMES) expect(Object.keys(await stored(home))).not.toContain('whole');
    await tell(job.name);
    const { status, stderr, log } = await job.finish();
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(await stored(home)).toEqual({ last: 'last\n', 'step-1/deep/weights': 'two\n' });
    expect(stderr).toContain('left out of the upload, as no object can hold them: "link"');
    if (!ROOMS_ARE_VOLUMES)
      expect(log.slice(0, 3)).toEqual(['weights', 'weights.sagemaker-uploaded', 'first']);
  });

  test('of many files in many new folders none is missed', async () => {
    const home = await scratch('home');
    const { status } = await runJob(
      checkpointed([
        'for d in $(seq 200); do mkdir -p a/$d/b; for f in 1 2 3 4 5; do echo $d.$f > a/$d/b/$f; done; done',
        'sleep 1.5; for d in $(seq 200); do echo again > a/$d/b/1; rm a/$d/b/2; done',
      ]),
      { home },
    );
    expect(status).toBe(0);
    const found = await stored(home);
    expect(Object.keys(found)).toHaveLength(800);
    expect([found['a/200/b/1'], found['a/7/b/5']]).toEqual(['again\n', '7.5\n']);
  });

  test('objects that nobody restored stay, those of another prefix are not restored', async () => {
    const home = await scratch('home');
    await putObject(home, 's3://ckpts/run/state/old', 'old');
    await putObject(home, 's3://ckpts/run/state-2/other', 'other');
    const job = await startJob(checkpointed(['ls; echo ready; go; rm old']), { home });
    await job.shows('algo-1 | ready');
    await putObject(home, 's3://ckpts/run/state/added', 'added');
    await tell(job.name);
    expect((await job.finish()).log).toEqual(['old', 'ready']);
    expect(await stored(home)).toEqual({ added: 'added' });
    expect(await namesIn(join(home, 's3/ckpts/run'))).toEqual(['state', 'state-2']);
  });

  test('a folder that the container exchanges for a link leads nowhere', async () => {
    const home = await scratch('home');
    await putObject(home, 's3://ckpts/run/state/old', 'old');
    const { status } = await runJob(
      checkpointed(['cd /opt/ml/output; echo x > a/b/x; mv a c; ln -s /etc a; mkdir -p c/b; sleep 1.5'], {
        CheckpointConfig: { S3Uri: 's3://ckpts/run/state', LocalPath: '/opt/ml/output/a/b' },
      }),
      { home },
    );
    expect(status).toBe(0);
    expect(Object.keys(await stored(home))).not.toContain('passwd');
  });
});

/** Two hosts that got `latest`, `old` and `sub/deep`, and do other things with them. */
const TWO_HOSTS = [
  'cat /opt/ml/input/data/checkpoints-manifest; cat /state/latest /state/old /state/sub/deep; cd /state; own=$(hostname)',
  'if [ $own = algo-1 ]; then rm old; echo new > latest; else rm sub/deep latest; fi',
  'mkdir $own; echo $own > $own/step; echo $own > both',
];

async function twoHosts(home: string): Promise<Request> {
  for (const name of ['latest', 'old', 'sub/deep'])
    await putObject(home, `s3://ckpts/run/state/${name}`, `${name}\n`);
  return checkpointed(TWO_HOSTS, {
    CheckpointConfig: { S3Uri: 's3://ckpts/run/state', LocalPath: '/state' },
    ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 2, VolumeSizeInGB: 1 },
  });
}

/** An old copy of a host does not go over what another has written, and its removal does not remove it. */
async function expectMerged(home: string): Promise<void> {
  const found = await stored(home);
  expect(found).toEqual({
    'algo-1/step': 'algo-1\n',
    'algo-2/step': 'algo-2\n',
    both: expect.stringMatching(/^algo-[12]\n$/) as string,
    latest: 'new\n',
  });
}

const SEEN = [
  'run/state',
  ...['latest', 'old', 'sub/deep'].map(name => `s3://ckpts/run/state/${name}`),
  ...['latest', 'old', 'sub/deep'],
];

describe('several hosts', () => {
  test('all get what is there, and share one prefix', async () => {
    const home = await scratch('home');
    const { status, logOf } = await runJob(await twoHosts(home), { home });
    expect(status).toBe(0);
    for (const host of ['algo-1', 'algo-2']) expect(logOf(host)).toEqual(SEEN);
    await expectMerged(home);
  });

  test('a copy that only got another mode never goes over what another host has written', async () => {
    const home = await scratch('home');
    await putObject(home, 's3://ckpts/run/state/shared', 'old');
    const lines = [
      'case $(hostname) in algo-1) echo new > shared ;; *) chmod 600 shared; touch -a shared ;; esac',
    ];
    const { status } = await runJob(
      checkpointed(lines, {
        ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 2, VolumeSizeInGB: 1 },
      }),
      { home },
    );
    expect(status).toBe(0);
    expect((await stored(home))['shared']).toBe('new\n');
  });

  test('so they do in the hands of an ordinary user, when the job has ended', async () => {
    const home = await scratch('home');
    const request = await twoHosts(home);
    const job = await startJob(request, await asOrdinaryUser(home));
    const { status, logOf, stderr } = await job.finish();
    expect(status).toBe(0);
    expect(stderr).toContain('cannot be watched: /state will be uploaded when it has ended');
    for (const host of ['algo-1', 'algo-2']) expect(logOf(host)).toEqual(SEEN);
    await expectMerged(home);
  });
});

describe('ends', () => {
  test('a failure flushes them, as a stop does', async () => {
    const home = await scratch('home');
    const { described } = await runJob(checkpointed(['echo 1 > step; exit 3']), { home });
    expect(described.FailureReason).toBe('AlgorithmError: , exit code: 3');
    expect(await stored(home)).toEqual({ step: '1\n' });
    const job = await startJob(
      checkpointed(['trap "echo 2 > step; exit" TERM; echo ready; sleep 600 & wait']),
      { home },
    );
    await job.shows('algo-1 | ready');
    job.signal('SIGINT');
    expect((await job.finish()).described.TrainingJobStatus).toBe('Stopped');
    expect(await stored(home)).toEqual({ step: '2\n' });
  });

  test('what a killed run left is flushed by clean, deletes too', async () => {
    const home = await scratch('home');
    await putObject(home, 's3://ckpts/run/state/old', 'old');
    await putObject(home, 's3://ckpts/run/state/kept', 'kept');
    const job = await startJob(
      checkpointed(['rm old; echo new > new; echo ready; while :; do sleep 0.1; done']),
      { home },
    );
    await job.shows('algo-1 | ready');
    job.signal('SIGKILL');
    await job.ended;
    await clean(job.name, { home });
    expect((await describeJob(job.name, { home })).TrainingJobStatus).toBe('Failed');
    expect(await stored(home)).toEqual({ kept: 'kept', new: 'new\n' });
    await expectNothingLeft(home, job.name);
  });
});

/** A store that refuses to take checkpoints, `times` or for ever, and takes everything else. */
function refusing(times = Number.POSITIVE_INFINITY): Script {
  let refused = 0;
  return (answer, { method, path, query, body }) => {
    if (query.has('list-type'))
      answer
        .writeHead(200, { 'content-type': 'application/xml' })
        .end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
    else if (method === 'PUT' && path.startsWith('/ckpts/') && refused < times) {
      refused += 1;
      answer.writeHead(403).end('<Error><Code>AccessDenied</Code><Message>no</Message></Error>');
    } else answer.writeHead(200, { etag: `"${md5(body)}"` }).end();
  };
}

const KEYS = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' };

describe('a store that does not take them', () => {
  test('fails the job at the end; they are kept and named, and the model is uploaded', async () => {
    await using server = await startFakeS3(refusing());
    const ended = await runJob(checkpointed(['echo 1 > step; echo x > /opt/ml/model/x']), {
      args: ['--store', server.url],
      env: KEYS,
    });
    expect(ended.status).toBe(1);
    expect(ended.described.FailureReason).toMatch(/^ClientError: Artifact upload failed:.*AccessDenied/);
    expect(server.seen.some(one => one.method === 'PUT' && one.path.endsWith('/model.tar.gz'))).toBe(true);
    const [kept = '', ...others] = await keptPaths(ended);
    expect(others).toEqual([]);
    expect(kept).toMatch(ROOMS_ARE_VOLUMES ? /checkpoints\.tar$/ : /checkpoints$/);
    expect(await keptText(kept, 'step')).toBe('1\n');
  });

  test('for a while is asked again while the job runs, and the run says so', async () => {
    // Where nothing is uploaded while it runs, nothing is refused.
    await using server = await startFakeS3(refusing(ROOMS_ARE_VOLUMES ? 0 : 1));
    const ended = await runJob(
      checkpointed([`echo 1 > step; ${ROOMS_ARE_VOLUMES ? '' : 'uploaded step; ls step.*'}`]),
      {
        args: ['--store', server.url],
        env: KEYS,
      },
    );
    expect(ended.status).toBe(0);
    expect(server.seen.some(one => one.method === 'PUT' && one.path === '/ckpts/run/state/step')).toBe(true);
    if (ROOMS_ARE_VOLUMES) return;
    expect(ended.log).toEqual(['step.sagemaker-uploaded']);
    expect(ended.stderr).toMatch(
      /checkpoints could not be uploaded while the job runs \(.*AccessDenied.*it is tried again/,
    );
  });
});

test('a prefix that is mapped cannot hold checkpoints', async () => {
  const home = await scratch('home');
  const stderr = await refusedJob(checkpointed(['true']), {
    home,
    args: ['--map', `s3://ckpts/run=${home}`],
  });
  expect(stderr).toContain('s3://ckpts/run/state cannot be written');
});

test('the model is another thing: checkpoints are not in it', async () => {
  const { output } = await runJob(checkpointed(['echo 1 > step; echo x > /opt/ml/model/x']));
  expect(Object.keys(await sizesIn(output('model.tar.gz')))).toEqual(['x']);
});
