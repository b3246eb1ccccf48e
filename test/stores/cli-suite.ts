/** What the AWS CLI does with files and folders. */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { pythonClients } from '../store/clients.js';
import type { S3Address } from '../store/server-program.js';
import { clientEnvironment, judged, type StoreName } from './subject.js';

const run = promisify(execFile);

export function cliSuite({
  name,
  address,
}: {
  readonly name: StoreName;
  readonly address: () => S3Address;
}): void {
  describe('the AWS CLI', () => {
    const { aws: command } = pythonClients();
    const large = randomBytes(12 * 1024 * 1024 + 1);
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'optml-cli-'));
      await mkdir(join(folder, 'from/sub'), { recursive: true });
      await writeFile(join(folder, 'from/small.txt'), 'small');
      // Apart: on a connection on which a server has answered for an empty file before the body (none is to come, so no
      // "100 Continue" either), the CLI takes that answer for the next one's, too.
      await writeFile(join(folder, 'empty'), '');
      await writeFile(join(folder, 'from/sub/ü +.bin'), large);
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    async function aws(...args: string[]): Promise<string> {
      const { stdout } = await run(command, args, { env: clientEnvironment(address()), cwd: folder });
      return stdout;
    }
    const check = (title: string, work: () => Promise<void>): void =>
      judged({ store: name, client: 'AWS CLI', check: title }, work);

    check('mb and ls', async () => {
      await aws('s3', 'mb', 's3://cli');
      await aws('s3', 'mb', 's3://cli-other');
      const names = (await aws('s3', 'ls'))
        .trim()
        .split('\n')
        .map(line => line.split(' ').at(-1));
      expect(names).toEqual(expect.arrayContaining(['cli', 'cli-other']));
    });

    check('cp of a file, there and back', async () => {
      await aws('s3', 'cp', 'from/small.txt', 's3://cli/one/small.txt');
      await aws('s3', 'cp', 's3://cli/one/small.txt', 'back.txt');
      expect(await readFile(join(folder, 'back.txt'), 'utf8')).toBe('small');
    });

    check('cp of a large file in parts, there and back', async () => {
      await aws('s3', 'cp', 'from/sub/ü +.bin', 's3://cli/large/ü +.bin');
      await aws('s3', 'cp', 's3://cli/large/ü +.bin', 'back.bin');
      expect((await readFile(join(folder, 'back.bin'))).equals(large)).toBe(true);
    });

    check('cp of a folder, there and back', async () => {
      await aws('s3', 'cp', '--recursive', 'from', 's3://cli/folder/');
      await aws('s3', 'cp', '--recursive', 's3://cli/folder/', 'folder-back');
      expect((await readdir(join(folder, 'folder-back'), { recursive: true })).sort()).toEqual([
        'small.txt',
        'sub',
        'sub/ü +.bin',
      ]);
    });

    check('cp of an empty file, there and back', async () => {
      await aws('s3', 'cp', 'empty', 's3://cli/empty');
      await aws('s3', 'cp', 's3://cli/empty', 'empty-back');
      expect(await readFile(join(folder, 'empty-back'))).toHaveLength(0);
    });

    check('cp of a stream, in and out', async () => {
      await run('sh', ['-c', `printf piped | '${command}' s3 cp - s3://cli/piped`], {
        env: clientEnvironment(address()),
      });
      expect(await aws('s3', 'cp', 's3://cli/piped', '-')).toBe('piped');
    });

    check('sync, once and again', async () => {
      await aws('s3', 'sync', 'from', 's3://cli/synced');
      expect(await aws('s3', 'sync', 'from', 's3://cli/synced')).toBe('');
      expect(await aws('s3', 'ls', '--recursive', 's3://cli/synced')).toMatch(
        /12582913 synced\/sub\/ü \+\.bin/,
      );
    });

    check('sync that deletes', async () => {
      await aws('s3', 'sync', 'from', 's3://cli/shrunk', '--exclude', 'sub/*');
      await aws('s3', 'cp', 'from/small.txt', 's3://cli/shrunk/more');
      await aws('s3', 'sync', '--delete', 'from', 's3://cli/shrunk', '--exclude', 'sub/*');
      const listed = await aws('s3', 'ls', '--recursive', 's3://cli/shrunk/');
      expect(
        listed
          .trim()
          .split('\n')
          .map(line => line.split(' ').at(-1)),
      ).toEqual(['shrunk/small.txt']);
    });

    check('sync back', async () => {
      await aws('s3', 'sync', 's3://cli/synced', 'synced-back');
      expect((await readFile(join(folder, 'synced-back/sub/ü +.bin'))).equals(large)).toBe(true);
      expect(await aws('s3', 'sync', 's3://cli/synced', 'synced-back')).toBe('');
    });

    check('mv of a file between buckets', async () => {
      await aws('s3', 'cp', 'from/small.txt', 's3://cli/to-move');
      await aws('s3', 'mv', 's3://cli/to-move', 's3://cli-other/moved');
      expect(await aws('s3', 'cp', 's3://cli-other/moved', '-')).toBe('small');
      await expect(aws('s3', 'ls', 's3://cli/to-move')).rejects.toThrow();
    });

    check('mv of a large file between buckets', async () => {
      await aws('s3', 'cp', 'from/sub/ü +.bin', 's3://cli/large-to-move');
      await aws('s3', 'mv', 's3://cli/large-to-move', 's3://cli-other/large-moved');
      await aws('s3', 'cp', 's3://cli-other/large-moved', 'moved.bin');
      expect((await readFile(join(folder, 'moved.bin'))).equals(large)).toBe(true);
    });

    check('ls of groups', async () => {
      expect(
        (await aws('s3', 'ls', 's3://cli/synced/'))
          .trim()
          .split('\n')
          .map(line => line.trim()),
      ).toEqual(['PRE sub/', expect.stringMatching(/ 5 small\.txt$/) as string]);
    });

    check('presign', async () => {
      await aws('s3', 'cp', 'from/small.txt', 's3://cli/presigned ü');
      const url = (await aws('s3', 'presign', 's3://cli/presigned ü')).trim();
      expect(await (await fetch(url)).text()).toBe('small');
    });

    check('s3api', async () => {
      await aws('s3', 'cp', 'from/small.txt', 's3://cli/head');
      const head = await aws('s3api', 'head-object', '--bucket', 'cli', '--key', 'head');
      expect(JSON.parse(head)).toMatchObject({ ContentLength: 5, ContentType: 'text/plain' });
      const listed = await aws('s3api', 'list-objects-v2', '--bucket', 'cli', '--prefix', 'head');
      expect(JSON.parse(listed)).toMatchObject({ Contents: [{ Key: 'head', Size: 5 }] });
    });

    check('rm, of one and of all', async () => {
      await aws('s3', 'cp', 'from/small.txt', 's3://cli/to-remove');
      await aws('s3', 'rm', 's3://cli/to-remove');
      await expect(aws('s3', 'ls', 's3://cli/to-remove')).rejects.toThrow();
      await aws('s3', 'rm', '--recursive', 's3://cli');
      await expect(aws('s3', 'ls', '--recursive', 's3://cli')).resolves.toBe('');
    });

    check('rb, of an empty bucket and of a full one', async () => {
      await aws('s3', 'rb', 's3://cli');
      await aws('s3', 'rb', '--force', 's3://cli-other');
      expect(await aws('s3', 'ls')).not.toMatch(/ cli(-other)?$/m);
    });
  });
}
