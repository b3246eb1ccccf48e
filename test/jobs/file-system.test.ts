/** EFS and FSx for Lustre, by folders that stand for them (contract §1.5). */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asOrdinaryUser } from '../harness/ordinary-user.js';
import { refusedJob, runJob } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';
import { shellJob, writeRequest, type Request } from '../harness/requests.js';

const ID = 'fs-0123456789abcdef0';

function fileSystem(DirectoryPath: string, FileSystemAccessMode = 'ro'): Request {
  const source = { FileSystemId: ID, FileSystemType: 'EFS', FileSystemAccessMode, DirectoryPath };
  return { ChannelName: 'fs', DataSource: { FileSystemDataSource: source } };
}

function jobOn(line: string | readonly string[], channel: Request): Request {
  return shellJob(line, {
    InputDataConfig: [channel],
    VpcConfig: { SecurityGroupIds: ['sg-1'], Subnets: ['subnet-1'] },
  });
}

/** A home with a folder `efs` beside it that stands for the file system. */
async function folderWith(
  files: Readonly<Record<string, string>>,
): Promise<{ home: string; folder: string }> {
  const home = await scratch('home');
  const folder = join(home, 'efs');
  await mkdir(folder);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return { home, folder };
}

const LOOK =
  'cd /opt/ml/input/data; find . -mindepth 1 | LC_ALL=C sort; cat fs/a; (echo new > fs/new) 2>&1; cat /opt/ml/input/config/inputdataconfig.json; touch beside';
const CONFIG =
  '{"fs":{"TrainingInputMode":"File","S3DistributionType":"FullyReplicated","RecordWrapperType":"None"}}';

describe('the folder that stands for a file system', () => {
  test.each(['/data/set', '/data/set/', 'data//./set'])(
    'shows %s in the place of the channel',
    async path => {
      const { home, folder } = await folderWith({ 'data/set/a': 'in set\n', 'data/other': '' });
      const { status, log } = await runJob(jobOn(LOOK, fileSystem(path)), {
        home,
        args: ['--map-fs', `${ID}=${folder}`],
      });
      expect(status).toBe(0);
      expect(log.slice(0, 3)).toEqual(['./fs', './fs/a', 'in set']);
      expect(log[3]).toContain('Read-only file system');
      expect(log.at(-1)).toBe(CONFIG);
    },
  );

  test('is written with rw, and nothing that was there is touched', async () => {
    const { home, folder } = await folderWith({ a: 'kept\n' });
    const { status } = await runJob(jobOn(LOOK, fileSystem('/', 'rw')), {
      home,
      env: { OPTML_MAP_FS: `${ID}=${folder}` },
    });
    expect(status).toBe(0);
    expect(await readFile(join(folder, 'new'), 'utf8')).toBe('new\n');
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('kept\n');
  });

  test.each(['ro', 'rw'])('is mounted %s for an ordinary user too', async mode => {
    const { home } = await folderWith({ a: 'seen\n' });
    const job = jobOn(LOOK, fileSystem('/', mode));
    // A relative path, from the working folder.
    const { status, log } = await runJob(job, {
      ...(await asOrdinaryUser(home)),
      args: ['--map-fs', `${ID}=./efs`],
    });
    expect({ status, seen: log.slice(0, 3), end: log.at(-1) }).toEqual({
      status: 0,
      seen: ['./fs', './fs/a', 'seen'],
      end: CONFIG,
    });
    expect(log.some(line => line.includes('Read-only'))).toBe(mode === 'ro');
  });

  test('may have links in it that stay in it', async () => {
    const { home, folder } = await folderWith({ 'data/a': 'linked\n' });
    await symlink('data', join(folder, 'latest'));
    const { log } = await runJob(jobOn('cat /opt/ml/input/data/fs/a', fileSystem('/latest')), {
      home,
      args: ['--map-fs', `${ID}=${folder}`],
    });
    expect(log).toEqual(['linked']);
  });

  test('may be named in the config file', async () => {
    const { home } = await folderWith({ a: 'configured\n' });
    await writeFile(join(home, 'optml.config.json'), JSON.stringify({ mapFs: [`${ID}=./efs`] }));
    const { log } = await runJob(jobOn('cat /opt/ml/input/data/fs/a', fileSystem('/')), { home });
    expect(log).toEqual(['configured']);
  });
});

describe('is refused', () => {
  test('a file system that no folder stands for, with the flag that mends it', async () => {
    const said = await refusedJob(jobOn('true', fileSystem('/')));
    expect(said).toContain(`--map-fs ${ID}=./folder`);
  });

  test.each([
    ['that is missing', '/nothing'],
    ['that is a file', '/a'],
    ['that climbs', '/../efs'],
    ['that leads out by a link', '/out'],
    ['below a link that leads out', '/out/deep'],
  ])('a DirectoryPath %s', async (_, path) => {
    const { home, folder } = await folderWith({ a: '' });
    await mkdir(join(home, 'elsewhere/deep'), { recursive: true });
    await symlink(join(home, 'elsewhere'), join(folder, 'out'));
    const said = await refusedJob(jobOn('true', fileSystem(path)), {
      home,
      args: ['--map-fs', `${ID}=${folder}`],
    });
    expect(said).toContain(`has the DirectoryPath "${path}", which is no folder in`);
  });

  test.each([
    ['nonsense', 'is no map of a file system'],
    [`${ID}=./nowhere`, 'leads nowhere'],
  ])('the map %s', async (map, words) => {
    const home = await scratch('home');
    const file = await writeRequest(home, jobOn('true', fileSystem('/')));
    const { status, stderr } = await optml(['run', file, '--map-fs', map], { home });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(words) as string });
  });

  test('one without a VPC, or in another mode', async () => {
    const { home, folder } = await folderWith({});
    const args = ['--map-fs', `${ID}=${folder}`];
    const alone = shellJob('true', { InputDataConfig: [fileSystem('/')] });
    expect(await refusedJob(alone, { home, args })).toContain('FileSystemDataSource needs VpcConfig');
    const fast = jobOn('true', { ...fileSystem('/'), InputMode: 'FastFile' });
    expect(await refusedJob(fast, { home, args })).toContain('FileSystemDataSource is for File mode only');
  });
});
