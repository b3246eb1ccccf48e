/** `optml plan` is killed. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectStatus } from '../harness/aftermath.js';
import { gatedStore } from '../harness/gated-store.js';
import { optml, scratch, start } from '../harness/optml.js';
import { channel, shellJob, writeRequest } from '../harness/requests.js';

it('is killed while it reads the store: clean removes its folder, but not one that is in use', async () => {
  const store = await gatedStore();
  store.objects.set('data/train/a', Buffer.from('a'));
  const home = await scratch('home');
  const request = await writeRequest(
    home,
    shellJob('true', { InputDataConfig: [channel('train', 's3://data/train/')] }),
  );
  const asked = store.requests.hold(/^GET \/data/);
  const planning = start(['plan', request, '--store', store.url], { home, env: store.env });
  await asked.reached;
  const folder = join(home, 'run', (await readdir(join(home, 'run'))).find(isPlan) ?? '');

  expect(await cleaned(home)).not.toContain(folder);
  planning.signal('SIGKILL');
  await planning.ended;
  asked.release();

  expect(await cleaned(home, '--dry-run')).toContain(`folder ${folder}: would be removed\n`);
  expect(await cleaned(home)).toContain(`folder ${folder}: removed\n`);
  expect(await readdir(join(home, 'run'))).toEqual([]);
});

function isPlan(name: string): boolean {
  return /^plan-[0-9a-f]{8}$/.test(name);
}

async function cleaned(home: string, ...flags: readonly string[]): Promise<string> {
  const result = await optml(['clean', ...flags], { home });
  expectStatus(result, 0);
  return result.stdout;
}
