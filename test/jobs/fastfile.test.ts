/** FastFile channels on a real engine (contract §1.7). */
import { accessSync, constants, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asOrdinaryUser, expectOwned } from '../harness/ordinary-user.js';
import { refusedJob, runJob, seesNothingLeft, startJob } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';
import { channel, putObject, shellJob } from '../harness/requests.js';

async function homeWith(...uris: readonly string[]): Promise<string> {
  const home = await scratch('home');
  for (const uri of uris) await putObject(home, uri, `${uri}\n`);
  return home;
}

const FAST = { InputMode: 'FastFile' };

const LOOK = [
  'cd /opt/ml/input/data; find . -mindepth 1 | LC_ALL=C sort; cat c/deep/b.csv',
  'tail -c 6 c/a.csv; cat /opt/ml/input/config/inputdataconfig.json; echo',
  'touch c/new 2>&1 || true; rm c/a.csv 2>&1 || true; touch /opt/ml/input/beside /opt/ml/input/data/beside',
];

const SEEN = [
  './c',
  './c/a.csv',
  './c/deep',
  './c/deep/b.csv',
  's3://data/train/deep/b.csv',
  'a.csv',
  '{"c":{"TrainingInputMode":"FastFile","S3DistributionType":"FullyReplicated","RecordWrapperType":"None"}}',
  "touch: cannot touch 'c/new': Read-only file system",
  "rm: cannot remove 'c/a.csv': Read-only file system",
];

describe('a FastFile channel', () => {
  test.each(['s3://data/train/', 's3://data/train'])(
    'of %s is a read-only folder with the names of a File channel, below an input that can be written',
    async uri => {
      const home = await homeWith('s3://data/train/a.csv', 's3://data/train/deep/b.csv');
      const InputDataConfig = [channel('c', uri, FAST)];
      const { status, log, described } = await runJob(shellJob(LOOK, { InputDataConfig }), { home });
      expect({ status, log }).toEqual({ status: 0, log: SEEN });
      expect(described['InputDataConfig']).toMatchObject([{ InputMode: 'FastFile' }]);
      expect(await readFile(join(home, 's3/data/train/a.csv'), 'utf8')).toBe('s3://data/train/a.csv\n');
    },
  );

  test('is the same for an ordinary user, whose room goes into volumes', async () => {
    const home = await homeWith('s3://data/train/a.csv', 's3://data/train/deep/b.csv');
    const InputDataConfig = [channel('c', 's3://data/train/', FAST)];
    const ordinary = await asOrdinaryUser(home);
    const { status, log } = await runJob(shellJob(LOOK, { InputDataConfig }), ordinary);
    expect({ status, log }).toEqual({ status: 0, log: SEEN });
    await expectOwned(join(home, 'jobs'));
  });

  test('may stand beside a File channel, by the mode of either the job or the channel', async () => {
    const home = await homeWith('s3://data/train/a.csv');
    const InputDataConfig = [
      channel('fast', 's3://data/train/'),
      channel('file', 's3://data/train/', { InputMode: 'File' }),
    ];
    const job = shellJob(
      'cd /opt/ml/input/data; ls; for c in fast file; do test -w $c/a.csv && touch $c/x 2>/dev/null && echo $c; done; true',
      { InputDataConfig },
    );
    (job['AlgorithmSpecification'] as Record<string, unknown>)['TrainingInputMode'] = 'FastFile';
    const { log } = await runJob(job, { home });
    expect(log).toEqual(['fast', 'file', 'file-manifest', 'file']);
  });

  test('that is not lazy is told as a difference', async () => {
    const home = await homeWith('s3://data/train/a.csv');
    const { stderr } = await runJob(
      shellJob('true', { InputDataConfig: [channel('c', 's3://data/train/', FAST)] }),
      { home },
    );
    expect(stderr).toContain('InputDataConfig[0].InputMode');
  });
});

/** Root, or a user whom FUSE lets share a mount. */
function mayMount(): boolean {
  if (process.getuid?.() === 0) return true;
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return /^\s*user_allow_other\s*$/m.test(readFileSync('/etc/fuse.conf', 'utf8'));
  } catch {
    return false;
  }
}

describe.skipIf(!mayMount())('a lazy FastFile channel (needs root, or a FUSE that is shared)', () => {
  const LAZY = ['--fastfile', 'lazy'];

  test.each(['s3://data/train/', 's3://data/train'])('of %s is mounted, and looks the same', async uri => {
    const home = await homeWith('s3://data/train/a.csv', 's3://data/train/deep/b.csv');
    const line = [...LOOK, "grep -c ' /opt/ml/input/data/c fuse.rclone ro,' /proc/mounts"];
    const job = shellJob(line, { InputDataConfig: [channel('c', uri, FAST)] });
    const { status, log } = await runJob(job, { home, args: LAZY });
    expect({ status, log }).toEqual({ status: 0, log: [...SEEN, '1'] });
    expect(await mountsBelow(home)).toEqual([]);
  });

  test('of one object is downloaded, as it is no folder', async () => {
    const home = await homeWith('s3://data/train/a.csv');
    const InputDataConfig = [channel('c', 's3://data/train/a.csv', FAST)];
    const { log } = await runJob(shellJob('cat /opt/ml/input/data/c/a.csv', { InputDataConfig }), {
      home,
      args: LAZY,
    });
    expect(log).toEqual(['s3://data/train/a.csv']);
  });

  test('that is dealt out to hosts is downloaded, as a mount would bring all of it to each', async () => {
    const home = await homeWith('s3://data/train/a.csv', 's3://data/train/b.csv', 's3://data/train/c.csv');
    const source = {
      S3DataType: 'S3Prefix',
      S3Uri: 's3://data/train/',
      S3DataDistributionType: 'ShardedByS3Key',
    };
    const job = shellJob('ls /opt/ml/input/data/c', {
      InputDataConfig: [{ ChannelName: 'c', ...FAST, DataSource: { S3DataSource: source } }],
      ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 2, VolumeSizeInGB: 10 },
    });
    const { status, logOf } = await runJob(job, { home, args: LAZY });
    expect(status).toBe(0);
    expect([logOf('algo-1'), logOf('algo-2')]).toEqual([['a.csv', 'c.csv'], ['b.csv']]);
  });

  test('whose job was killed is unmounted by "optml clean"', async () => {
    const home = await homeWith('s3://data/train/a.csv', 's3://data/train/b.csv');
    const InputDataConfig = [channel('c', 's3://data/train/', FAST)];
    const job = await startJob(shellJob('echo ready; sleep 300', { InputDataConfig }), { home, args: LAZY });
    await job.shows('algo-1 | ready');
    expect(await mountsBelow(home)).toHaveLength(1);
    job.signal('SIGKILL');
    await job.ended;
    expect((await optml(['clean'], { home })).status).toBe(0);
    expect(await mountsBelow(home)).toEqual([]);
    await seesNothingLeft(home, job.name);
  });

  test('is refused where rclone is not installed, or a map stands before the store', async () => {
    const home = await homeWith('s3://data/train/a.csv');
    const job = shellJob('true', { InputDataConfig: [channel('c', 's3://data/train/', FAST)] });
    expect(await refusedJob(job, { home, args: LAZY, env: { PATH: '/nowhere' } })).toContain('has no rclone');
    expect(await refusedJob(job, { home, args: [...LAZY, '--map', 's3://data/train=s3'] })).toContain(
      'a --map stands',
    );
  });
});

/** FUSE mounts that are left below a folder. */
async function mountsBelow(folder: string): Promise<string[]> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  return mounts.split('\n').filter(line => line.includes(` ${folder}/`));
}

describe('is refused', () => {
  test.each([
    ['the start of a name', ['s3://data/train-x.csv']],
    ['a folder, and the start of a name beside it', ['s3://data/train/a', 's3://data/train-x/a']],
  ])('a prefix that is %s', async (_, uris) => {
    const home = await homeWith(...uris);
    const InputDataConfig = [channel('c', 's3://data/train', FAST)];
    expect(await refusedJob(shellJob('true', { InputDataConfig }), { home })).toContain(
      'The S3Uri s3://data/train of channel "c" ends in the middle of a name',
    );
  });

  test('a manifest', async () => {
    const home = await homeWith('s3://data/m');
    const source = { S3DataSource: { S3DataType: 'ManifestFile', S3Uri: 's3://data/m' } };
    const InputDataConfig = [{ ChannelName: 'c', InputMode: 'FastFile', DataSource: source }];
    expect(await refusedJob(shellJob('true', { InputDataConfig }), { home })).toContain(
      'S3DataType ManifestFile cannot be read in FastFile mode, which takes S3Prefix',
    );
  });
});
