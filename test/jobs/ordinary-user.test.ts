/**
 * The command in the hands of an ordinary user of the docker group, who may neither read nor delete what root writes. Root
 * runs it as such a user, with the checkout at a place that everybody can reach.
 */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { namesIn, runJob, startJob, type EndedJob, type StartedJob } from '../harness/job.js';
import { scratch } from '../harness/optml.js';
import { asOrdinaryUser, ordinaryUserId } from '../harness/ordinary-user.js';
import { channel, putObject, shell, shellJob, type Request } from '../harness/requests.js';

const run = promisify(execFile);

async function startAsUser(request: Request, home?: string): Promise<StartedJob> {
  return startJob(request, await asOrdinaryUser(home ?? (await scratch('home'))));
}

async function runAsUser(request: Request, home?: string): Promise<EndedJob> {
  const ended = await (await startAsUser(request, home)).finish();
  const { stdout } = await run('find', [
    ended.home,
    '-type',
    'f',
    '-name',
    '*.json',
    '-prune',
    '-o',
    '!',
    '-uid',
    ordinaryUserId(),
    '-print',
  ]);
  expect(stdout).toBe('');
  return ended;
}

async function listed(file: string): Promise<string[]> {
  const { stdout } = await run('tar', ['--numeric-owner', '-tvaf', file], { maxBuffer: 1 << 26 });
  return stdout
    .split('\n')
    .slice(0, -1)
    .map(line => line.replace(/ +/g, ' ').replace(/\d{4}-\d\d-\d\d \d\d:\d\d /, ''))
    .sort();
}

test('what root wrote for itself alone is collected, and nothing is left that the user cannot delete', async () => {
  const { status, output } = await runAsUser(
    shellJob([
      'umask 077; cd /opt/ml/model; echo secret > weights; mkdir closed; echo x > closed/file; chmod 000 closed',
      'echo y > /opt/ml/output/data/log; echo z > /opt/ml/errors/e; echo i > /opt/ml/input/data/own',
    ]),
  );
  expect(status).toBe(0);
  expect(await listed(output('model.tar.gz'))).toEqual([
    '-rw------- 0/0 2 closed/file',
    '-rw------- 0/0 7 weights',
    'd--------- 0/0 0 closed/',
  ]);
  expect(await listed(output('output.tar.gz'))).toEqual(['-rw------- 0/0 2 log']);
});

test("the tree is the platform's all the same: owned by root, with its data, its configuration not to be changed", async () => {
  const home = await scratch('home');
  await putObject(home, 's3://data/train/a.csv', '1,2\n');
  await putObject(home, 's3://data/train/deep/b.csv', '3,4\n');
  const { log } = await runAsUser(
    shellJob(
      [
        "find /opt/ml -mindepth 1 -printf '%P %y %m %U:%G\\n' | LC_ALL=C sort",
        'cat /opt/ml/input/data/train/deep/b.csv /opt/ml/input/data/train-manifest',
        'touch /opt/ml/input/config/new 2> /dev/null || echo refused',
      ],
      { InputDataConfig: [channel('train', 's3://data/train')] },
    ),
    home,
  );
  expect(log).toEqual([
    'errors d 755 0:0',
    'input d 755 0:0',
    'input/config d 755 0:0',
    'input/config/hyperparameters.json f 644 0:0',
    'input/config/inputdataconfig.json f 644 0:0',
    'input/config/metric-definition-regex.json f 644 0:0',
    'input/config/resourceconfig.json f 644 0:0',
    'input/data d 755 0:0',
    'input/data/train d 755 0:0',
    'input/data/train-manifest f 644 0:0',
    'input/data/train/a.csv f 644 0:0',
    'input/data/train/deep d 755 0:0',
    'input/data/train/deep/b.csv f 644 0:0',
    'model d 755 0:0',
    'output d 755 0:0',
    'output/data d 755 0:0',
    'output/metrics d 755 0:0',
    'output/metrics/sagemaker d 755 0:0',
    'output/profiler d 755 0:0',
    '3,4',
    'train',
    's3://data/train/a.csv',
    's3://data/train/deep/b.csv',
    'refused',
  ]);
});

test('an image of USER 1000 can write where the platform lets it, and its code is there', async () => {
  const folders = ['model', 'output', 'output/data', 'errors', 'input', 'input/data'];
  const lines = [
    ...folders.map(folder => `cd /opt/ml/${folder} && touch written && echo ${folder}`),
    'touch /opt/ml/input/config/new 2> /dev/null || cat /opt/ml/code/hello.txt',
  ];
  const { status, log } = await runAsUser(
    shellJob('', shell(lines, { TrainingImage: 'optml-user-1000:latest' })),
  );
  expect({ status, log }).toEqual({ status: 0, log: [...folders, 'hello from the image'] });
});

test('a failure file that only root may read is the FailureReason, and the outputs are uploaded', async () => {
  const { status, described, output } = await runAsUser(
    shellJob(['umask 077; echo x > /opt/ml/model/x; printf "no data" > /opt/ml/output/failure', 'exit 3']),
  );
  expect(status).toBe(1);
  expect(described.FailureReason).toBe('AlgorithmError: no data, exit code: 3');
  expect(await listed(output('model.tar.gz'))).toEqual(['-rw------- 0/0 2 x']);
});

test.each([
  ['a link to /etc/passwd', 'ln -s /etc/passwd /opt/ml/output/failure'],
  ['a FIFO', 'mkfifo /opt/ml/output/failure'],
  ['a folder', 'mkdir /opt/ml/output/failure; echo x > /opt/ml/output/failure/x'],
  ['an empty file', ': > /opt/ml/output/failure'],
])('a failure file that is %s says nothing', async (_, line) => {
  const { described } = await runAsUser(shellJob([line, 'exit 3']));
  expect(described.FailureReason).toBe('AlgorithmError: , exit code: 3');
});

test('links are kept as links, never followed, and what cannot be in a tarball is left out', async () => {
  const { status, output } = await runAsUser(
    shellJob([
      'cd /opt/ml/model; ln -s /etc/shadow shadow; ln -s /etc folder; mkfifo pipe; echo x > a; ln a b',
      `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un("socket")) or die $!'`,
      'rmdir ../output/data; ln -s /etc ../output/data',
    ]),
  );
  expect(status).toBe(0);
  expect(await namesIn(output(''))).toEqual(['model.tar.gz']);
  const { stdout } = await run('tar', ['-xzOf', output('model.tar.gz'), 'b', 'a']);
  expect(stdout).toMatch(/^x\n/);
  expect(
    (await listed(output('model.tar.gz'))).filter(line => !line.startsWith('-') && !line.startsWith('h')),
  ).toEqual(['lrwxrwxrwx 0/0 0 folder -> /etc', 'lrwxrwxrwx 0/0 0 shadow -> /etc/shadow']);
});

test('no tarball is made for empty folders', async () => {
  const { status, output } = await runAsUser(shellJob('true'));
  expect(status).toBe(0);
  expect(await namesIn(output(''))).toEqual([]);
});

test('twenty thousand files, odd names and fifty megabytes come out as they were', async () => {
  const { status, output, log } = await runAsUser(
    shellJob([
      'mkdir /opt/ml/model/many; cd /opt/ml/model/many; seq 20000 | split -l 1 -a 5 -; cd ..',
      `printf a > "$(printf 'new\\nline')"; printf b > "ünï 日本 😀"`,
      'head -c 50000000 /dev/urandom > big; sha256sum < big',
    ]),
  );
  expect(status).toBe(0);
  const model = output('model.tar.gz');
  const { stdout } = await run('sh', [
    '-c',
    'tar -xzOf "$1" big | sha256sum; tar -xzOf "$1" many | sort -n | cksum; seq 20000 | cksum',
    'sh',
    model,
  ]);
  const [sum, unpacked, expected] = stdout.trim().split('\n');
  expect(sum).toBe(log[0]);
  expect(unpacked).toBe(expected);
  for (const [name, text] of [
    ['new\nline', 'a'],
    ['ünï 日本 😀', 'b'],
  ] as const)
    expect((await run('tar', ['-xzOf', model, name])).stdout).toBe(text);
});

test('uncompressed, every file is an object of the user', async () => {
  const { status, output } = await runAsUser(
    shellJob(
      'umask 077; mkdir -p /opt/ml/model/a; echo x > /opt/ml/model/a/b; echo y > /opt/ml/output/data/c',
      {
        OutputDataConfig: { S3OutputPath: 's3://outputs/here', CompressionType: 'NONE' },
      },
    ),
  );
  expect(status).toBe(0);
  expect(await readFile(output('model/a/b'), 'utf8')).toBe('x\n');
  expect(await readFile(output('data/c'), 'utf8')).toBe('y\n');
});

test.each([
  ['that no volume could be named after', '/tb x', '/tbé'],
  ['whose names differ in a slash only', '/a-b', '/a/b'],
])('folders %s have a volume each', async (_, tensors, events) => {
  const { status, home, described } = await runAsUser(
    shellJob(`echo t > '${tensors}/t'; echo e > '${events}/e'`, {
      DebugHookConfig: { S3OutputPath: 's3://outputs/debug', LocalPath: tensors },
      TensorBoardOutputConfig: { S3OutputPath: 's3://outputs/tb', LocalPath: events },
    }),
  );
  expect(status).toBe(0);
  const outputs = join(home, 's3/outputs');
  const job = described.TrainingJobName;
  expect(await namesIn(join(outputs, 'debug', job, 'debug-output'))).toEqual(['t', 'training_job_end.ts']);
  expect(await namesIn(join(outputs, 'tb', job, 'tensorboard-output'))).toEqual(['e']);
});

test('a job that is killed has its outputs kept, as files of the user, and named', async () => {
  const job = await startAsUser(
    shellJob([
      "trap 'sleep 0.5; echo still here' TERM",
      'umask 077; echo written > /opt/ml/model/file; echo ready',
      'while :; do sleep 600 & wait $!; done',
    ]),
  );
  await job.shows('algo-1 | ready');
  job.signal('SIGTERM');
  await job.shows('algo-1 | still here');
  job.signal('SIGTERM');
  const { status, stderr, home } = await job.finish();
  expect(status).toBe(130);
  const [folder = ''] = await namesIn(join(home, 'kept'));
  const path = join(home, 'kept', folder, 'model.tar');
  expect(stderr).toContain(join('kept', folder, 'model.tar'));
  // The engine's own tar: with the folder itself.
  expect(await listed(path)).toContain('-rw------- 0/0 8 model/file');
  expect(statSync(path).uid).toBe(Number(ordinaryUserId()));
});

test('the other way round: what a root user keeps of a root container is as it was', async () => {
  const { status, output } = await runJob(shellJob('umask 077; echo secret > /opt/ml/model/weights'));
  expect(status).toBe(0);
  expect(await listed(output('model.tar.gz'))).toEqual(['-rw------- 0/0 7 weights']);
});
