/** What comes out of a job: the artifacts, and nothing that a container could smuggle into them (contract §1.8). */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ROOMS_ARE_VOLUMES } from '../harness/aftermath.js';
import { namesIn, runJob, startJob } from '../harness/job.js';
import { scratch } from '../harness/optml.js';
import { shellJob, type Request } from '../harness/requests.js';

const run = promisify(execFile);

const PLAIN: Request = { OutputDataConfig: { S3OutputPath: 's3://outputs/here', CompressionType: 'NONE' } };

/** Members of a tarball as GNU tar lists them, `mode owner/group size name`, sorted. */
async function listed(file: string): Promise<string[]> {
  const { stdout } = await run('tar', ['--numeric-owner', '--full-time', '-tvzf', file], {
    maxBuffer: 1 << 26,
  });
  return stdout
    .split('\n')
    .slice(0, -1)
    .map(line => line.replace(/ +/g, ' ').replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? /, ''))
    .sort();
}

async function content(file: string, member: string): Promise<string> {
  const { stdout } = await run('tar', ['--no-unquote', '-xzOf', file, member], { maxBuffer: 1 << 26 });
  return stdout;
}

async function firstBytes(file: string): Promise<number[]> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(10), 0, 10, 0);
  return [...buffer];
}

describe('the tarballs', () => {
  test("have plain names, folders with a slash, owner 0 without a name, and the header of the platform's own", async () => {
    const { status, output, described } = await runJob(
      shellJob([
        'cd /opt/ml/model; echo weights > model.bin; chmod 600 model.bin; mkdir -p code/deep; echo py > code/deep/inference.py',
        'chown -R 1000:1000 code; mkdir empty',
        'cd ../output/data; echo 1 > metrics.json',
        'echo x > ../beside; echo x > ../../input/data/beside',
      ]),
    );
    expect(status).toBe(0);
    const model = output('model.tar.gz');
    expect(await listed(model)).toEqual([
      '-rw------- 0/0 8 model.bin',
      '-rw-r--r-- 0/0 3 code/deep/inference.py',
      'drwxr-xr-x 0/0 0 code/',
      'drwxr-xr-x 0/0 0 code/deep/',
      'drwxr-xr-x 0/0 0 empty/',
    ]);
    expect(await content(model, 'model.bin')).toBe('weights\n');
    expect(await listed(output('output.tar.gz'))).toEqual(['-rw-r--r-- 0/0 2 metrics.json']);
    // Neither name of an owner, at their place in the first header.
    expect(
      gunzipSync(await readFile(model))
        .subarray(265, 329)
        .every(byte => byte === 0),
    ).toBe(true);
    expect(await firstBytes(model)).toEqual(
      await firstBytes(join(import.meta.dirname, '../captures/multi-model.tar.gz')),
    );
    expect(await namesIn(output(''))).toEqual(['model.tar.gz', 'output.tar.gz']);
    expect(described.ModelArtifacts?.S3ModelArtifacts).toMatch(
      /^s3:\/\/outputs\/here\/.*\/output\/model\.tar\.gz$/,
    );
  });

  test('keep the times and modes that the container gave, but for times before 1970', async () => {
    const { output } = await runJob(
      shellJob([
        'cd /opt/ml/model',
        "touch -d '2020-02-29 12:34:56 UTC' new; touch -d '1960-01-01 UTC' old",
        'chmod 4751 new; chmod 000 old',
      ]),
    );
    const { stdout } = await run('tar', [
      '--utc',
      '--full-time',
      '--numeric-owner',
      '-tvzf',
      output('model.tar.gz'),
    ]);
    expect(stdout.trim().split('\n').sort()).toEqual([
      expect.stringMatching(/^---------- 0\/0 +0 1970-01-01 00:00:00 old$/),
      expect.stringMatching(/^-rwsr-x--x 0\/0 +0 2020-02-29 12:34:56 new$/),
    ]);
  });

  test('are not made for empty folders, and the job names its model all the same', async () => {
    const { status, output, described } = await runJob(shellJob('true'));
    expect(status).toBe(0);
    expect(existsSync(output(''))).toBe(false);
    expect(described.ModelArtifacts?.S3ModelArtifacts).toMatch(/\/output\/model\.tar\.gz$/);
  });

  test('hold empty files, and sparse ones in their full length', async () => {
    const { output } = await runJob(
      shellJob(['cd /opt/ml/model', ': > nothing', 'truncate -s 20M sparse', 'printf end >> sparse']),
    );
    const model = output('model.tar.gz');
    expect(await listed(model)).toEqual([
      '-rw-r--r-- 0/0 0 nothing',
      `-rw-r--r-- 0/0 ${20 * 1024 * 1024 + 3} sparse`,
    ]);
    const { stdout } = await run('sh', ['-c', 'tar -xzOf "$1" sparse | tr -d "\\0"', 'sh', model]);
    expect(stdout).toBe('end');
  });

  test('hold names with newlines, unicode, quotes, and of more than a hundred characters', async () => {
    const long = `${'deep/'.repeat(40)}${'n'.repeat(200)}`;
    const { status, output } = await runJob(
      shellJob([
        'cd /opt/ml/model',
        `printf a > "$(printf 'new\\nline')"`,
        'printf b > "ünï 日本 😀"',
        `printf c > '"quo\\te'`,
        `mkdir -p $(printf 'deep/%.0s' $(seq 40))`,
        `cd $(printf 'deep/%.0s' $(seq 40))`,
        `printf d > $(printf 'n%.0s' $(seq 200))`,
      ]),
    );
    expect(status).toBe(0);
    const model = output('model.tar.gz');
    expect(await content(model, 'new\nline')).toBe('a');
    expect(await content(model, 'ünï 日本 😀')).toBe('b');
    expect(await content(model, '"quo\\te')).toBe('c');
    expect(await content(model, long)).toBe('d');
  });

  test('hold twenty thousand files', async () => {
    const { status, output } = await runJob(
      shellJob(['mkdir /opt/ml/model/many', 'cd /opt/ml/model/many', 'seq 20000 | split -l 1 -a 5 -']),
    );
    expect(status).toBe(0);
    const { stdout } = await run('sh', [
      '-c',
      'tar -xzOf "$1" | sort -n | cksum; seq 20000 | cksum',
      'sh',
      output('model.tar.gz'),
    ]);
    const [unpacked, expected] = stdout.trim().split('\n');
    expect(unpacked).toBe(expected);
    expect(await listed(output('model.tar.gz'))).toHaveLength(20_001);
  });

  test('are made with little memory: 300 MB of random bytes come out as they were', async () => {
    const peakFile = join(await scratch('peak'), 'kilobytes');
    const hook = pathToFileURL(join(import.meta.dirname, '../harness/peak-memory.mjs')).href;
    const { status, output, log } = await runJob(
      shellJob('head -c 300000000 /dev/urandom > /opt/ml/model/big; sha256sum < /opt/ml/model/big'),
      { env: { NODE_OPTIONS: `--import ${hook}`, PEAK_MEMORY_FILE: peakFile } },
    );
    expect(status).toBe(0);
    const { stdout } = await run('sh', [
      '-c',
      'tar -xzOf "$1" big | sha256sum',
      'sh',
      output('model.tar.gz'),
    ]);
    expect(stdout.trim()).toBe(log[0]);
    // What does not shrink is stored: no more than a thousandth is added.
    expect((await stat(output('model.tar.gz'))).size).toBeLessThan(300_300_000);
    expect(Number(await readFile(peakFile, 'utf8'))).toBeLessThan(200 * 1024);
  });
});

describe('CompressionType NONE', () => {
  test('makes an object of every file, below model and data', async () => {
    const { status, output, described } = await runJob(
      shellJob(
        [
          'cd /opt/ml/model',
          'echo w > model.bin; mkdir -p a/b empty; echo x > a/b/c',
          'echo m > ../output/data/metrics.json',
        ],
        PLAIN,
      ),
    );
    expect(status).toBe(0);
    const files = await readdir(output(''), { recursive: true, withFileTypes: true });
    expect(
      files
        .filter(one => one.isFile())
        .map(one => join(one.parentPath, one.name))
        .sort(),
    ).toEqual(['data/metrics.json', 'model/a/b/c', 'model/model.bin'].map(output));
    expect(await readFile(output('model/a/b/c'), 'utf8')).toBe('x\n');
    expect(described.ModelArtifacts?.S3ModelArtifacts).toMatch(/\/output\/model$/);
  });

  test('leaves links out and names them', async () => {
    const { status, output, stderr } = await runJob(
      shellJob('ln -s /etc/shadow /opt/ml/model/link; echo x > /opt/ml/model/file', PLAIN),
    );
    expect(status).toBe(0);
    expect(await namesIn(output('model'))).toEqual(['file']);
    expect(stderr).toMatch(/\/opt\/ml\/model: left out.*"link"/);
  });
});

describe('a hostile container', () => {
  test('gets its links kept as links: what they lead to on the host is not read', async () => {
    const { status, output } = await runJob(
      shellJob([
        'cd /opt/ml/model',
        'ln -s /etc/shadow shadow; ln -s /etc folder; ln -s ../../input up; echo x > a; ln a b',
      ]),
    );
    expect(status).toBe(0);
    expect(await listed(output('model.tar.gz'))).toEqual([
      '-rw-r--r-- 0/0 2 a',
      // The engine's archive keeps hard links as such.
      ROOMS_ARE_VOLUMES ? 'hrw-r--r-- 0/0 0 b link to a' : '-rw-r--r-- 0/0 2 b',
      'lrwxrwxrwx 0/0 0 folder -> /etc',
      'lrwxrwxrwx 0/0 0 shadow -> /etc/shadow',
      'lrwxrwxrwx 0/0 0 up -> ../../input',
    ]);
  });

  test.each([
    ['/etc', 'ln -s /etc /opt/ml/output/data'],
    ['a file', 'cp /etc/passwd /opt/ml/output/data'],
    ['a FIFO', 'mkfifo /opt/ml/output/data'],
  ])('that puts %s in the place of output/data gets no output.tar.gz', async (_, line) => {
    const { status, output } = await runJob(
      shellJob(['echo x > /opt/ml/model/x', 'rmdir /opt/ml/output/data', line]),
    );
    expect(status).toBe(0);
    expect(await namesIn(output(''))).toEqual(['model.tar.gz']);
  });

  test.each([
    ['a link to /etc/passwd', 'ln -s /etc/passwd /opt/ml/output/failure'],
    ['a FIFO', 'mkfifo /opt/ml/output/failure'],
    ['a folder', 'mkdir /opt/ml/output/failure'],
  ])('that makes %s of its failure file fails without a text', async (_, line) => {
    const { status, described } = await runJob(shellJob([line, 'exit 3']));
    expect({ status, reason: described.FailureReason }).toEqual({
      status: 1,
      reason: 'AlgorithmError: , exit code: 3',
    });
  });

  test('gets sockets and FIFOs left out of the tarball, by name; what bears a name that is not UTF-8 is kept', async () => {
    const { status, output, stderr } = await runJob(
      shellJob([
        'cd /opt/ml/model',
        'mkfifo pipe; echo x > kept',
        `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un("socket")) or die $!'`,
        `mkdir "$(printf 'latin-\\351')"; echo precious > "$(printf 'latin-\\351')/weights"`,
      ]),
    );
    expect(status).toBe(0);
    expect(await listed(output('model.tar.gz'))).toEqual(['-rw-r--r-- 0/0 2 kept']);
    const [line = ''] = stderr.split('\n').filter(text => text.includes('left out'));
    expect(line).toContain('"pipe"');
    // The engine's archive has no sockets.
    expect(line.includes('"socket"')).toBe(!ROOMS_ARE_VOLUMES);
    expect(line).toContain('latin-');
    const [, path = ''] = /it is kept in (\S+)/.exec(stderr) ?? [];
    const { stdout } = await run('grep', ['-ra', 'precious', path]);
    expect(stdout).toContain(ROOMS_ARE_VOLUMES ? 'precious' : 'weights:precious');
  });

  test('cannot keep its files by their modes: what nobody may read or delete is uploaded and removed', async () => {
    const { status, output } = await runJob(
      shellJob(['cd /opt/ml/model', 'mkdir closed; echo x > closed/file; chmod 000 closed/file closed']),
    );
    expect(status).toBe(0);
    expect(await listed(output('model.tar.gz'))).toEqual([
      '---------- 0/0 2 closed/file',
      'd--------- 0/0 0 closed/',
    ]);
  });
});

test('folders nested deeper than a path can reach are removed with the rest', async () => {
  const { status, output } = await runJob(
    shellJob([
      'cd /opt/ml/errors',
      `perl -e '$d = "d" x 200; for (1..100) { mkdir $d and chdir $d or die $! } open(F, ">", "file") or die $!'`,
      'echo x > /opt/ml/model/x',
    ]),
  );
  expect(status).toBe(0);
  expect(await namesIn(output(''))).toEqual(['model.tar.gz']);
});

test('after a failure the outputs are uploaded all the same', async () => {
  const { status, output, described } = await runJob(
    shellJob([
      'echo half > /opt/ml/model/checkpoint',
      'echo log > /opt/ml/output/data/log',
      'echo why > /opt/ml/output/failure',
      'exit 9',
    ]),
  );
  expect(status).toBe(1);
  expect(described.FailureReason).toBe('AlgorithmError: why\n, exit code: 9');
  expect(await content(output('model.tar.gz'), 'checkpoint')).toBe('half\n');
  expect(await content(output('output.tar.gz'), 'log')).toBe('log\n');
});

test('outputs of TensorBoard, debugger and profiler go to their own places, a file an object', async () => {
  const job = await startJob(
    shellJob(
      'mkdir -p /opt/ml/output/tensorboard/run; echo e > /opt/ml/output/tensorboard/run/events; echo t > /opt/ml/output/tensors/t; echo p > /opt/ml/output/profiler/p',
      {
        DebugHookConfig: { S3OutputPath: 's3://outputs/debug' },
        TensorBoardOutputConfig: { S3OutputPath: 's3://outputs/tb/' },
        ProfilerConfig: { S3OutputPath: 's3://outputs' },
      },
    ),
  );
  const { status, home } = await job.finish();
  expect(status).toBe(0);
  const outputs = join(home, 's3/outputs');
  expect(await readFile(join(outputs, 'tb', job.name, 'tensorboard-output/run/events'), 'utf8')).toBe('e\n');
  expect(await readFile(join(outputs, 'debug', job.name, 'debug-output/t'), 'utf8')).toBe('t\n');
  expect(await readFile(join(outputs, job.name, 'profiler-output/p'), 'utf8')).toBe('p\n');
  for (const mark of [
    `debug/${job.name}/debug-output`,
    `${job.name}/profiler-output/framework`,
    `${job.name}/profiler-output/system`,
  ])
    expect(await readFile(join(outputs, mark, 'training_job_end.ts'), 'utf8')).toBe('');
});

test('the card names the artifact: the file that it is, and its size', async () => {
  const { output, stderr } = await runJob(shellJob('head -c 50000 /dev/urandom > /opt/ml/model/x'));
  const { size } = await stat(output('model.tar.gz'));
  expect(stderr).toContain(`${output('model.tar.gz')}  (${(size / 1024).toFixed(1)} KB)`);
});
