import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { madeOnce } from '../../src/journal/made-once.js';
import { scratch } from '../harness/optml.js';

test('of many who make a secret at the same moment all get the one that stays', async () => {
  const folder = await scratch();
  for (let round = 0; round < 50; round += 1) {
    const path = join(folder, `secret-${round}`);
    const got = await Promise.all(Array.from({ length: 16 }, () => madeOnce(path, randomUUID)));
    expect(new Set(got)).toEqual(new Set([await readFile(path, 'utf8')]));
  }
  expect((await readdir(folder)).filter(name => !/^secret-\d+$/.test(name))).toEqual([]);
});
