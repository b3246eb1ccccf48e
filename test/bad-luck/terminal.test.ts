/** What a terminal gets to see, and what a run does whose output nobody takes. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { expectNothingLeft, expectStatus, objectFile, textIn } from '../harness/aftermath.js';
import { gatedStore } from '../harness/gated-store.js';
import { CLI, optml, scratch, start, type Result, type Running, type Start } from '../harness/optml.js';
import { channel, shellJob, writeRequest, type Request } from '../harness/requests.js';

const ESC = '\u001b';
const COLOR = new RegExp(`${ESC}\\[[0-9;]*m`);

/** util-linux's; others take other flags. */
const hasTerminal = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout);

describe.skipIf(!hasTerminal)('on a terminal (needs util-linux script)', () => {
  it('there are colours, and none under NO_COLOR or on a dumb one', async () => {
    const { home, request } = await prepared('echo hello');
    const colored = await onTerminal(['run', request], { home, env: { TERM: 'xterm' } }).ended;
    expectStatus(colored, 0);
    expect(colored.stdout).toContain(`${ESC}[32mCompleted`);
    expect(screenOf(colored)).toContain('algo-1 | hello');
    for (const env of [{ TERM: 'xterm', NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      const plain = await onTerminal(['run', request], { home, env }).ended;
      expectStatus(plain, 0);
      expect(plain.stdout).not.toMatch(COLOR);
      expect(screenOf(plain)).toContain('algo-1 | hello');
    }
  });

  it('a line tells of a transfer while it lasts, and goes with it', async () => {
    const { home, request } = await prepared('echo hello', {
      InputDataConfig: [channel('train', 's3://data/train/')],
    });
    const store = await gatedStore();
    for (const name of ['a', 'b']) store.objects.set(`data/train/${name}`, Buffer.alloc(1000));
    const asked = store.requests.hold(/^GET \/data\/train\/b/);
    const running = onTerminal(['run', request, '--store', store.url], {
      home,
      env: { ...store.env, TERM: 'xterm' },
    });
    await asked.reached;
    await running.shows(/download train: [0-9.]+ K?B of 2.0 KB · \d of 2 objects/);
    asked.release();
    const result = await running.ended;
    expectStatus(result, 0);
    expect(screenOf(result).filter(line => line.includes('download train'))).toEqual([]);
    expect(screenOf(result)).toContain('  channel train: 2 objects, 2.0 KB');
  });

  it('a container cannot move the cursor, set the title, ring, or colour what is not its own', async () => {
    const hostile = [
      String.raw`printf 'title\033]0;owned\007end\n'`,
      String.raw`printf 'clear\033[2J\033[1;1H\033[1A\033c\n'`,
      String.raw`printf 'bytes\010\010\007\016\000\177\n'`,
      String.raw`printf 'c1\302\2332J\302\235x\n'`,
      String.raw`printf '\033[31mred\n'`,
      String.raw`printf 'after\n'`,
      String.raw`printf 'reason\033]0;owned\007\033[2J' > /opt/ml/output/failure`,
      'exit 3',
    ];
    const { home, request } = await prepared(hostile);
    const result = await onTerminal(['run', request], { home, env: { TERM: 'xterm' } }).ended;
    expectStatus(result, 1);
    // Nothing but colours, and what takes the live line away.
    const rest = result.stdout
      .replaceAll(new RegExp(COLOR, 'g'), '')
      .replaceAll(`${ESC}[K`, '')
      .replaceAll(/\r?\n|\r/g, '');

    expect(rest).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(result.stdout).toContain(`${ESC}[31mred${ESC}[0m`);
    expect(screenOf(result)).toEqual(
      expect.arrayContaining(['algo-1 | titleend', 'algo-1 | red', 'algo-1 | after']),
    );
  });

  it('of a progress bar the last state stays', async () => {
    const { home, request } = await prepared(String.raw`printf '10%%\r50%%\r100%%\n'; printf 'dos\r\n'`);
    const result = await onTerminal(['run', request], { home, env: { TERM: 'xterm' } }).ended;
    expectStatus(result, 0);
    expect(screenOf(result)).toEqual(expect.arrayContaining(['algo-1 | 100%', 'algo-1 | dos']));
    expect(result.stdout).not.toContain('50%');
  });
});

describe('elsewhere', () => {
  it('there is neither colour nor live line, and stdout holds the result alone', async () => {
    const { home, request } = await prepared(String.raw`printf '\033[31mred\033[0m\n'`, {
      InputDataConfig: [channel('train', 's3://data/train/')],
    });
    const store = await gatedStore();
    store.objects.set('data/train/a', Buffer.alloc(1000));
    const result = await optml(['run', request, '--json', '--store', store.url], { home, env: store.env });
    expectStatus(result, 0);
    expect(result.stderr).not.toMatch(/[\u001b\r]/);
    expect(result.stderr).toContain('algo-1 | red\n');
    expect(result.stderr).not.toContain('download train:');
    expect(result.stdout.trimEnd().split('\n')).toHaveLength(1);
  });

  it.each([
    ['stdout to a reader that has gone', '"$@" --json | true'],
    ['stderr to a reader that has gone', '"$@" 2> >(true)'],
    ['both to a reader that has gone', '"$@" --json 2>&1 | head -c 1'],
    ['stdout closed', '"$@" --json >&-'],
    ['stderr closed', '"$@" 2>&-'],
    ['everything closed', '"$@" --json <&- >&- 2>&-'],
  ])('%s: the job runs to its end', async (_what, line) => {
    const { home, job, request } = await prepared('seq 20000; echo weights > /opt/ml/model/weights');
    const command = ['bash', '-o', 'pipefail', '-c', line, 'bash', process.execPath, CLI] as const;
    expectStatus(await optml(['run', request], { home, command }), 0);
    expect(await textIn(objectFile(home, `s3://outputs/here/${job}/output/model.tar.gz`), 'weights')).toBe(
      'weights\n',
    );
    await expectNothingLeft(home, job);
  });

  it('"logs | head" shows the beginning and ends', async () => {
    const { home, job, request } = await prepared('seq 200000');
    expectStatus(await optml(['run', request, '--quiet'], { home }), 0);
    const command = ['bash', '-c', '"$@" | head -n 2', 'bash', process.execPath, CLI] as const;
    const result = await optml(['logs', job], { home, command });
    expectStatus(result, 0);
    expect(result.stdout.trimEnd().split('\n')).toEqual(['algo-1 | 1', 'algo-1 | 2']);
  });
});

async function prepared(
  line: string | readonly string[],
  members: Request = {},
): Promise<{ home: string; job: string; request: string }> {
  const home = await scratch('terminal');
  const body = shellJob(line, members);
  return { home, job: String(body['TrainingJobName']), request: await writeRequest(home, body) };
}

/** With a pseudo terminal as its stdin, stdout and stderr: all comes by stdout. */
function onTerminal(args: readonly string[], options: Start): Running {
  const line = [process.execPath, CLI, ...args].map(word => `'${word}'`).join(' ');
  return start([], { ...options, command: ['script', '-qec', `stty cols 100; exec ${line}`, '/dev/null'] });
}

/** The lines that stay on the screen, without colours. */
function screenOf({ stdout }: Result): string[] {
  return stdout
    .replaceAll(new RegExp(COLOR, 'g'), '')
    .split(/\r?\n/)
    .map(line => line.split(`\r${ESC}[K`).at(-1) ?? '');
}
