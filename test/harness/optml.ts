/** Runs the built command as a user does: another process, a home of its own, real signals. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
export const CLI = join(ROOT, 'dist/faces/cli/main.js');

/** Scratch folders of the tests lie in the checkout, so that TMPDIR stays empty. */
const SCRATCH = join(ROOT, 'node_modules/.cache/test');

export interface Result {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves when stdout or stderr has shown the text; rejects when the process ends without it. */
  shows(text: string | RegExp): Promise<void>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Result>;
}

export interface Start {
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
  /** What takes the arguments, where it is not the built command itself. */
  readonly command?: readonly [string, ...string[]];
}

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (let undo = cleanups.pop(); undo !== undefined; undo = cleanups.pop()) await undo();
});

/** Runs after the test, last made first. */
export function afterThis(undo: () => Promise<void>): void {
  cleanups.push(undo);
}

/** A new folder that goes with the test. */
export async function scratch(name = 'test'): Promise<string> {
  await mkdir(SCRATCH, { recursive: true });
  const folder = await mkdtemp(join(SCRATCH, `${name}-`));
  afterThis(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export function start(
  args: readonly string[],
  { home, env = {}, input, cwd, command = [process.execPath, CLI] }: Start,
): Running {
  const [program, ...first] = command;
  const child = spawn(program, [...first, ...args], {
    cwd: cwd ?? home,
    env: { ...cleanEnvironment(), OPTML_HOME: home, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const look of watchers) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const look of watchers) look();
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  const ended = new Promise<Result>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
  afterThis(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  return {
    pid: child.pid ?? 0,
    child,
    ended,
    signal: name => child.kill(name),
    shows: wanted =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const all = stdout + stderr;
          if (typeof wanted === 'string' ? !all.includes(wanted) : !wanted.test(all)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
        void ended.then(result =>
          reject(
            new Error(`ended with ${result.status} before it showed ${String(wanted)}:\n${stdout}${stderr}`),
          ),
        );
      }),
  };
}

export async function optml(args: readonly string[], options: Start): Promise<Result> {
  return start(args, options).ended;
}

/** What a developer's shell has set must not decide a test. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS_|OPTML_)/.test(name));
  return Object.fromEntries(kept);
}
