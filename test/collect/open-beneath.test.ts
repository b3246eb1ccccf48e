/** What a container may put in the place of a file or a folder. */
import { execFileSync } from 'node:child_process';
import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openFileBeneath, openFolderBeneath } from '../../src/collect/open-beneath.js';
import { fileId, filesBeingWritten } from '../../src/collect/open-writers.js';
import { scratch } from '../harness/optml.js';

describe('below a folder', () => {
  test('plain files and folders are opened', async () => {
    const root = await scratch();
    await mkdir(join(root, 'a/b'), { recursive: true });
    await writeFile(join(root, 'a/b/file'), 'content');
    await using folder = await openFolderBeneath(root, 'a/b');
    expect((await folder.stat()).isDirectory()).toBe(true);
    await using file = await openFileBeneath(root, 'a/b/file');
    expect(await file?.readFile('utf8')).toBe('content');
  });

  test('a link leads nowhere, whether it stands for a file, a folder or the root', async () => {
    const root = await scratch();
    await mkdir(join(root, 'real'));
    await writeFile(join(root, 'real/file'), 'content');
    await symlink(join(root, 'real'), join(root, 'folder'));
    await symlink(join(root, 'real/file'), join(root, 'file'));
    expect(await openFileBeneath(root, 'file')).toBeNull();
    await expect(openFileBeneath(root, 'folder/file')).rejects.toThrow(/ENOTDIR|ELOOP/);
    await expect(openFolderBeneath(root, 'folder')).rejects.toThrow(/ENOTDIR|ELOOP/);
    await expect(openFolderBeneath(join(root, 'folder'), '')).rejects.toThrow(/ENOTDIR|ELOOP/);
  });

  test('neither a device nor a FIFO nor a folder is opened as a file', async () => {
    const root = await scratch();
    execFileSync('mkfifo', [join(root, 'fifo')]);
    await mkdir(join(root, 'folder'));
    expect(await openFileBeneath(root, 'fifo')).toBeNull();
    expect(await openFileBeneath(root, 'folder')).toBeNull();
    expect(await openFileBeneath('/dev', 'null')).toBeNull();
    await expect(openFileBeneath(root, 'gone')).rejects.toThrow('ENOENT');
  });
});

test('files that a process has open for writing are told from those that it reads and those that are closed', async () => {
  const root = await scratch();
  await writeFile(join(root, 'closed'), '');
  await writeFile(join(root, 'read'), '');
  await using written = await open(join(root, 'written'), 'a');
  await using read = await open(join(root, 'read'), 'r');
  await using closed = await open(join(root, 'closed'), 'r');
  const id = fileId(await written.stat());
  const ids = new Set([id, fileId(await read.stat()), fileId(await closed.stat())]);
  expect(await filesBeingWritten(root, root, ids)).toEqual(new Set([id]));
  // A process that does not find the folder at this place is none of the container's.
  expect(await filesBeingWritten(root, '/opt/ml/processing/elsewhere', ids)).toEqual(new Set());
});
