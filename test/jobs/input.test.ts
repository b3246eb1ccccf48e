/** File channels on a real engine: from objects to the files that the container finds (contract §1.5). */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createEmbeddedStore } from '../../src/store/embedded/embedded-store.js';
import { namesIn, refusedJob, runJob } from '../harness/job.js';
import { scratch } from '../harness/optml.js';
import { channel, putObject, shellJob, type Request } from '../harness/requests.js';

const NEVER = new AbortController().signal;

/** Every file below the channels with its first line; a folder ends in a slash. */
const SHOW =
  "cd /opt/ml/input/data; find . -mindepth 1 ! -name '*-manifest' \\( -type d -printf '%P/\\n' -o -printf '%P ' -exec head -n 1 {} \\; \\) | LC_ALL=C sort";

async function homeWith(objects: Readonly<Record<string, string>>): Promise<string> {
  const home = await scratch('home');
  for (const [uri, content] of Object.entries(objects)) await putObject(home, uri, content);
  return home;
}

/** For keys that a file put by hand cannot have. */
async function uploadTo(home: string, objects: Readonly<Record<string, string>>): Promise<void> {
  const store = createEmbeddedStore(join(home, 's3'));
  for (const [uri, content] of Object.entries(objects)) {
    const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(uri) ?? [];
    await store.prepareOutput({ bucket, key: '' }, NEVER);
    await store.upload({ bucket, key }, body(content), { signal: NEVER });
  }
  await store.close();
}

async function* body(content: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(content));
}

/** The names below one channel `c` of this URI, and the exit status. */
async function staged(home: string, uri: string): Promise<readonly string[]> {
  const { status, log } = await runJob(shellJob(SHOW, { InputDataConfig: [channel('c', uri)] }), { home });
  expect(status).toBe(0);
  return log;
}

describe('channels', () => {
  test('a job without any finds an empty folder', async () => {
    const { status, log, described } = await runJob(shellJob('ls -A /opt/ml/input/data'));
    expect({ status, log }).toEqual({ status: 0, log: [] });
    expect(described['InputDataConfig']).toEqual([]);
  });

  test('twenty are staged, each into its own folder', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `channel-${String(index).padStart(2, '0')}`);
    const home = await homeWith(
      Object.fromEntries(names.map(name => [`s3://data/${name}/file`, `of ${name}\n`])),
    );
    const { status, log } = await runJob(
      shellJob(SHOW, { InputDataConfig: names.map(name => channel(name, `s3://data/${name}/`)) }),
      { home },
    );
    expect({ status, log }).toEqual({
      status: 0,
      log: names.flatMap(name => [`${name}/`, `${name}/file of ${name}`]),
    });
  });

  test('several may read the same objects', async () => {
    const home = await homeWith({ 's3://data/x/file': 'shared\n' });
    const { log } = await runJob(
      shellJob('echo mine > /opt/ml/input/data/a/file; cat /opt/ml/input/data/b/file', {
        InputDataConfig: [channel('a', 's3://data/x/'), channel('b', 's3://data/x/')],
      }),
      { home },
    );
    expect(log).toEqual(['shared']);
    expect(await readFile(join(home, 's3/data/x/file'), 'utf8')).toBe('shared\n');
  });
});

test('a channel whose folder would be the manifest of another one is refused by name', async () => {
  const home = await homeWith({ 's3://data/x': 'x' });
  const InputDataConfig = [channel('a', 's3://data/x'), channel('a-manifest', 's3://data/x')];
  expect(await refusedJob(shellJob('true', { InputDataConfig }), { home })).toContain('a-manifest');
});

describe('prefixes', () => {
  const OBJECTS = {
    's3://data/train/a.csv': 'a\n',
    's3://data/train/deep/er/b.csv': 'b\n',
    's3://data/train-x.csv': 'x\n',
  };

  test('with its slash, a prefix is a folder whose nested keys keep their folders', async () => {
    expect(await staged(await homeWith(OBJECTS), 's3://data/train/')).toEqual([
      'c/',
      'c/a.csv a',
      'c/deep/',
      'c/deep/er/',
      'c/deep/er/b.csv b',
    ]);
  });

  test('without its slash, it takes the folder and what begins like it, whose name stays whole', async () => {
    expect(await staged(await homeWith(OBJECTS), 's3://data/train')).toEqual([
      'c/',
      'c/a.csv a',
      'c/deep/',
      'c/deep/er/',
      'c/deep/er/b.csv b',
      'c/train-x.csv x',
    ]);
  });

  test('in the middle of a name, it takes every key that begins so, with the whole names', async () => {
    expect(await staged(await homeWith(OBJECTS), 's3://data/tra')).toEqual([
      'c/',
      'c/train-x.csv x',
      'c/train/',
      'c/train/a.csv a',
      'c/train/deep/',
      'c/train/deep/er/',
      'c/train/deep/er/b.csv b',
    ]);
  });

  test('the URI of an object gives that file alone', async () => {
    expect(await staged(await homeWith(OBJECTS), 's3://data/train/deep/er/b.csv')).toEqual([
      'c/',
      'c/b.csv b',
    ]);
  });

  test('a whole bucket keeps its keys', async () => {
    expect(await staged(await homeWith(OBJECTS), 's3://data')).toEqual([
      'c/',
      'c/train-x.csv x',
      'c/train/',
      'c/train/a.csv a',
      'c/train/deep/',
      'c/train/deep/er/',
      'c/train/deep/er/b.csv b',
    ]);
  });

  test('the web address of a bucket means the same', async () => {
    const uri = 'https://data.s3.us-east-1.amazonaws.com/train/deep/';
    expect(await staged(await homeWith(OBJECTS), uri)).toEqual(['c/', 'c/er/', 'c/er/b.csv b']);
  });

  test('an object that stands for a folder becomes an empty folder', async () => {
    const home = await homeWith(OBJECTS);
    await uploadTo(home, { 's3://data/train/': '', 's3://data/train/empty/': '' });
    expect(await staged(home, 's3://data/train/')).toEqual([
      'c/',
      'c/a.csv a',
      'c/deep/',
      'c/deep/er/',
      'c/deep/er/b.csv b',
      'c/empty/',
    ]);
  });
});

describe('what is not there', () => {
  const TEXT = (uri: string, bucket: string): string =>
    `No S3 objects found under S3 URL "${uri}" given in input data source. Please ensure that the bucket exists in the ` +
    'selected region (us-east-1), that objects exist under that S3 prefix, and that the role ' +
    `"arn:aws:iam::123456789012:role/Training" has "s3:ListBucket" permissions on bucket "${bucket}".`;

  test("a prefix without objects refuses the request in AWS's words", async () => {
    const home = await homeWith({ 's3://data/train/a.csv': 'a' });
    const request = shellJob('true', { InputDataConfig: [channel('c', 's3://data/nothing/')] });
    expect(await refusedJob(request, { home })).toContain(TEXT('s3://data/nothing/', 'data'));
  });

  test("a missing bucket refuses the request in AWS's words, and says where it was looked for", async () => {
    const request = shellJob('true', { InputDataConfig: [channel('c', 's3://absent/train')] });
    const stderr = await refusedJob(request);
    expect(stderr).toContain(TEXT('s3://absent/train', 'absent'));
    expect(stderr).toContain('s3/absent');
  });

  test('one empty channel among full ones is enough, and no bucket for outputs is made', async () => {
    const home = await homeWith({ 's3://data/train/a.csv': 'a' });
    const InputDataConfig = [channel('full', 's3://data/train/'), channel('void', 's3://data/void')];
    expect(await refusedJob(shellJob('true', { InputDataConfig }), { home })).toContain('s3://data/void');
    expect(await namesIn(join(home, 's3'))).toEqual(['data']);
  });
});

describe('odd keys', () => {
  test('blanks, plus and percent signs, quotes and unicode arrive as they are, in names and manifest', async () => {
    const names = [
      'with two  blanks',
      'plus+plus',
      'percent%2Fslash',
      'per%zz',
      `quo'te"s`,
      'ünïcode/日本/😀',
      '-dash',
      'st*r?',
    ];
    const home = await homeWith({});
    await uploadTo(home, Object.fromEntries(names.map(name => [`s3://data/odd keys/${name}`, name])));
    const request = shellJob(
      'cd /opt/ml/input/data; find c -type f -print0 | LC_ALL=C sort -z > /opt/ml/model/names; cp c-manifest /opt/ml/model',
      {
        InputDataConfig: [channel('c', 's3://data/odd keys/')],
        OutputDataConfig: { S3OutputPath: 's3://outputs/here', CompressionType: 'NONE' },
      },
    );
    const { status, output } = await runJob(request, { home });
    expect(status).toBe(0);
    const sorted = names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect((await readFile(output('model/names'), 'utf8')).split('\0').slice(0, -1)).toEqual(
      sorted.map(name => `c/${name}`),
    );
    expect(await readFile(output('model/c-manifest'), 'utf8')).toBe(
      `odd keys/\n${sorted.map(name => `s3://data/odd keys/${name}\n`).join('')}`,
    );
  });

  test('a key that climbs out of its folder fails the job, by name, and nothing is written outside', async () => {
    const home = await homeWith({ 's3://data/train/a.csv': 'a' });
    await uploadTo(home, { 's3://data/train/../../../../escaped': 'x' });
    const request = shellJob('echo ran', { InputDataConfig: [channel('c', 's3://data/train/')] });
    const { status, described, log, stderr } = await runJob(request, { home });
    expect({ status, log }).toEqual({ status: 1, log: [] });
    expect(described.TrainingJobStatus).toBe('Failed');
    expect(described.FailureReason).toMatch(
      /^ClientError: .*s3:\/\/data\/train\/\.\.\/\.\.\/\.\.\/\.\.\/escaped .*"\.\."/,
    );
    expect(stderr).toContain('s3://data/train/../../../../escaped');
    expect(await namesIn(home)).not.toContain('escaped');
    expect(await namesIn(join(home, 'jobs/training'))).toEqual([String(request['TrainingJobName'])]);
  });

  test.each([
    ['a', 'a/b'],
    ['x/y', 'x/y/z/deep'],
    ['x/y', 'x//y'],
  ])('%s beside %s fails the job with one sentence that names an object', async (file, below) => {
    const home = await homeWith({});
    await uploadTo(home, { [`s3://data/${file}`]: 'file', [`s3://data/${below}`]: 'below' });
    const request = shellJob('echo ran', { InputDataConfig: [channel('c', 's3://data/')] });
    const { status, described, log } = await runJob(request, { home });
    expect({ status, log }).toEqual({ status: 1, log: [] });
    expect(described.FailureReason).toContain('cannot become a file of channel "c"');
    expect(
      [`s3://data/${file} `, `s3://data/${below} `].some(uri => described.FailureReason?.includes(uri)),
    ).toBe(true);
  });

  test('a name that is too long for a file fails the job with its URI', async () => {
    const home = await homeWith({});
    await uploadTo(home, { [`s3://data/c/${'é'.repeat(200)}`]: 'x' });
    const request = shellJob('echo ran', { InputDataConfig: [channel('c', 's3://data/c/')] });
    const { status, described } = await runJob(request, { home });
    expect(status).toBe(1);
    expect(described.FailureReason).toContain(`s3://data/c/${'é'.repeat(200)}`);
  });
});

describe('--map', () => {
  test('a prefix is read from a folder, links in it included, links out of it not; the store need not have the bucket', async () => {
    const home = await scratch('home');
    const folder = await scratch('folder');
    await mkdir(join(folder, 'deep'));
    await writeFile(join(folder, 'a.csv'), 'a\n');
    await writeFile(join(folder, 'deep/b.csv'), 'b\n');
    await symlink('../a.csv', join(folder, 'deep/inside.csv'));
    await symlink('/etc/passwd', join(folder, 'outside.csv'));
    const request = shellJob(SHOW, { InputDataConfig: [channel('c', 's3://mapped/train/')] });
    const { status, log } = await runJob(request, { home, args: ['--map', `s3://mapped/train=${folder}`] });
    expect({ status, log }).toEqual({
      status: 0,
      log: ['c/', 'c/a.csv a', 'c/deep/', 'c/deep/b.csv b', 'c/deep/inside.csv a'],
    });
    expect((await namesIn(join(home, 's3'))).filter(name => name !== '.optml')).toEqual(['outputs']);
  });

  test('what the container does to mapped files stays in the container', async () => {
    const folder = await scratch('folder');
    await writeFile(join(folder, 'a.csv'), 'a\n');
    const request = shellJob('cd /opt/ml/input/data/c; echo b >> a.csv; cat a.csv; rm a.csv', {
      InputDataConfig: [channel('c', 's3://mapped/')],
    });
    const { log } = await runJob(request, { args: ['--map', `s3://mapped=${folder}`] });
    expect(log).toEqual(['a', 'b']);
    expect(await readFile(join(folder, 'a.csv'), 'utf8')).toBe('a\n');
  });

  test('a file is one object', async () => {
    const folder = await scratch('folder');
    await writeFile(join(folder, 'rows.csv'), '1,2\n');
    await writeFile(join(folder, 'beside.csv'), 'not asked for\n');
    const request = shellJob(SHOW, { InputDataConfig: [channel('c', 's3://mapped/train/data.csv')] });
    const map = `s3://mapped/train/data.csv=${join(folder, 'rows.csv')}`;
    const { status, log } = await runJob(request, { args: ['--map', map] });
    expect({ status, log }).toEqual({ status: 0, log: ['c/', 'c/data.csv 1,2'] });
  });

  test('outputs are never written under a map', async () => {
    const folder = await scratch('folder');
    const request: Request = shellJob('true', { OutputDataConfig: { S3OutputPath: 's3://mapped/out' } });
    const stderr = await refusedJob(request, { args: ['--map', `s3://mapped=${folder}`] });
    expect(stderr).toContain('s3://mapped/out');
    expect(await namesIn(folder)).toEqual([]);
  });
});

test('five thousand objects arrive, every one with its own bytes', async () => {
  const home = await scratch('home');
  const folders = Array.from({ length: 50 }, (_, index) => `part-${index}`);
  for (const part of folders) {
    const folder = join(home, 's3/data/many', part);
    await mkdir(folder, { recursive: true });
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        writeFile(join(folder, `${index}.txt`), `${part}/${index}\n`),
      ),
    );
  }
  const { status, log, stderr } = await runJob(
    shellJob(
      [
        'cd /opt/ml/input/data/c',
        'find . -type f | wc -l',
        "find . -type f | sed 's|^./||; s|[.]txt$||' | sort > /tmp/names",
        'find . -type f -exec cat {} + | sort | cmp - /tmp/names && echo same',
        'wc -l < ../c-manifest',
      ],
      { InputDataConfig: [channel('c', 's3://data/many/')] },
    ),
    { home },
  );
  expect({ status, log }).toEqual({ status: 0, log: ['5000', 'same', '5001'] });
  expect(stderr).toContain('5,000 objects');
});
