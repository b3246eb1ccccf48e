/** What the command line says no to, in one sentence each, and what `optml doctor` says of a home that is none. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectRefusal } from '../harness/aftermath.js';
import { optml, scratch } from '../harness/optml.js';

test.each([
  [['trian'], `unknown command 'trian' (Did you mean train?): "optml --help"`],
  [['run', 'x.json', '--jsno'], `unknown option '--jsno' (Did you mean --json?): "optml run --help"`],
  [['run'], `missing required argument 'file': "optml run --help"`],
  [['ps', 'extra'], 'too many arguments'],
  [['ps', '--home'], "option '--home <dir>' argument missing"],
  [['train'], `required option '--image <image>' not specified: "optml train --help"`],
  [['ps', '--home', ''], '--home is "": expected a folder.'],
  [['doctor', '--docker-host', ''], '--docker-host is ""'],
  [['train', '--image', ''], '--image is ""'],
])('%j is refused with the way out', async (args, words) => {
  const home = await scratch('home');
  const result = await optml(args, { home });
  expectRefusal(result, 2);
  expect(result.stderr).toContain(`optml: ${words}`);
  expect(existsSync(join(home, 'jobs'))).toBe(false);
});

test.each(['{a: 1}: b\n', '? [a, b]\n: c\n', 'home: [\n', '- a\n'])(
  'a config file with %j is refused, without a warning of Node',
  async text => {
    const home = await scratch('home');
    await writeFile(join(home, 'optml.config.yaml'), text);
    expectRefusal(await optml(['ps'], { home }), 2, 'optml.config.yaml');
  },
);

test('an engine over ssh that does not answer is one sentence', async () => {
  const home = await scratch('home');
  const DOCKER_HOST = 'ssh://nobody@127.0.0.1:1';
  expectRefusal(await optml(['clean'], { home, env: { DOCKER_HOST } }), 3, DOCKER_HOST, 'ECONNREFUSED');
});

interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
}

async function findings(home: string, env: Record<string, string> = {}): Promise<Finding[]> {
  const { stdout, stderr, status } = await optml(['doctor', '--json', '--home', home], {
    home: await scratch('elsewhere'),
    env,
  });
  expect({ stderr, status }).toEqual({ stderr: '', status: 3 });
  return JSON.parse(stdout) as Finding[];
}

test('doctor: a home that cannot be is not the fault of the engine, and every check answers', async () => {
  const all = await findings('/etc/passwd/x');
  expect(all.map(({ check }) => check)).toEqual(CHECKS);
  expect(all.filter(one => !one.ok).map(one => one.check)).toEqual(
    expect.arrayContaining(['home', 'disk', 'store']),
  );
  expect(all.find(one => one.check === 'engine')).toMatchObject({ ok: true });
  expect(all.find(one => one.check === 'leftovers')?.found).not.toContain('/etc/passwd');
});

test('doctor: without an engine leftovers are not counted, which is said', async () => {
  const all = await findings(await scratch('home'), { DOCKER_HOST: 'unix:///nowhere.sock' });
  expect(all.map(({ check }) => check)).toEqual(CHECKS.filter(check => check !== 'platform'));
  expect(all.find(one => one.check === 'leftovers')?.found).toBe('cannot be counted without the engine');
});

test('a dry run of clean makes no home', async () => {
  const home = join(await scratch('home'), 'absent');
  const { status } = await optml(['clean', '--dry-run', '--home', home], { home: join(home, '..') });
  expect({ status, made: existsSync(home) }).toEqual({ status: 0, made: false });
});

const CHECKS = ['node', 'home', 'disk', 'engine', 'platform', 'leftovers', 'store'];
