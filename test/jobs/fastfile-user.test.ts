/** `--fastfile lazy` in the hands of an ordinary user: mounted where FUSE lets users share a mount, else refused by name. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { clean, expectNothingLeft } from '../harness/aftermath.js';
import { refusedJob, runJob, startJob } from '../harness/job.js';
import { afterThis, scratch } from '../harness/optml.js';
import { asOrdinaryUserIn, expectOwned, openHome, ordinaryUserId } from '../harness/ordinary-user.js';
import { channel, putObject, shellJob, type Request } from '../harness/requests.js';

const run = promisify(execFile);

const LAZY = { args: ['--fastfile', 'lazy'] };

/** A user whose machine has this text in /etc/fuse.conf, and a /dev/fuse for everybody. */
async function userWith(conf: string): Promise<Awaited<ReturnType<typeof asOrdinaryUserIn>>> {
  const home = await openHome();
  await putObject(home, 's3://data/train/a.csv', 'a\n');
  await putObject(home, 's3://data/train/deep/b.csv', 'b\n');
  await sharedMount(home);
  const own = await scratch('fuse');
  await writeFile(join(own, 'fuse.conf'), conf);
  // FUSE wants to know the user's name.
  const users = `${await readFile('/etc/passwd', 'utf8')}ordinary:x:${ordinaryUserId()}:${ordinaryUserId()}::/:/bin/sh\n`;
  await writeFile(join(own, 'passwd'), users);
  await run('mknod', ['-m', '666', join(own, 'fuse'), 'c', '10', '229']);
  return asOrdinaryUserIn(home, [
    `mount --bind ${join(own, 'fuse.conf')} /etc/fuse.conf`,
    `mount --bind ${join(own, 'passwd')} /etc/passwd`,
    `mount --bind ${join(own, 'fuse')} /dev/fuse`,
  ]);
}

/** What the user mounts below it, the engine must see, too. */
async function sharedMount(folder: string): Promise<void> {
  await run('mount', ['--bind', folder, folder]);
  afterThis(async () => {
    await run('umount', ['--recursive', folder]);
  });
  await run('mount', ['--make-shared', folder]);
}

function request(lines: readonly string[]): Request {
  return shellJob(lines, {
    InputDataConfig: [channel('c', 's3://data/train/', { InputMode: 'FastFile' })],
  });
}

async function mountsBelow(folder: string): Promise<string[]> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  return mounts.split('\n').filter(line => line.includes(` ${folder}/`));
}

describe.skipIf(process.getuid?.() !== 0)('an ordinary user (needs root, which becomes one)', () => {
  test('whose fuse.conf has user_allow_other gets lazy mounts', async () => {
    const user = await userWith('user_allow_other\n');
    const lines = [
      'cd /opt/ml/input/data; find c -type f | sort; cat c/a.csv c/deep/b.csv',
      "grep -c ' /opt/ml/input/data/c fuse.rclone ro,' /proc/mounts; touch c/new 2> /dev/null || echo read-only",
    ];
    const { status, log } = await runJob(request(lines), { ...user, ...LAZY });
    expect({ status, log }).toEqual({
      status: 0,
      log: ['c/a.csv', 'c/deep/b.csv', 'a', 'b', '1', 'read-only'],
    });
    expect(await mountsBelow(user.home)).toEqual([]);
    await expectOwned(join(user.home, 'jobs'));
  });

  test('whose optml was killed unmounts what it left with "optml clean"', async () => {
    const user = await userWith('user_allow_other\n');
    const job = await startJob(request(['echo ready; sleep 600']), { ...user, ...LAZY });
    await job.shows('algo-1 | ready');
    expect(await mountsBelow(user.home)).toHaveLength(1);
    job.signal('SIGKILL');
    await job.ended;
    expect(await clean(job.name, user)).toEqual([
      { what: 'job', name: job.name, job: job.name, done: 'closed' },
    ]);
    expect(await mountsBelow(user.home)).toEqual([]);
    await expectNothingLeft(user.home, job.name);
  });

  test('whose fuse.conf has it not is refused, with the line to put there', async () => {
    const user = await userWith('# user_allow_other\n');
    expect(await refusedJob(request(['true']), { ...user, ...LAZY })).toContain(
      'put user_allow_other into /etc/fuse.conf',
    );
    expect(await mountsBelow(user.home)).toEqual([]);
  });
});
