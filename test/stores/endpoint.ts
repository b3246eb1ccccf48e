/** `optml up` as a server under test: the built command, with the keys that `optml env` gives to its clients. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { CLI } from '../harness/optml.js';
import { serverFolder, type S3Address } from '../store/server-program.js';

const run = promisify(execFile);

export interface UpServer extends S3Address {
  readonly home: string;
  /** Fails when it ended otherwise than by itself, or had something to complain of. */
  stop(): Promise<void>;
}

/** Before the embedded store of a new home; or before another server. */
export async function startUp(
  store?: S3Address,
  more: Readonly<Record<string, string>> = {},
): Promise<UpServer> {
  const { folder: home, remove } = await serverFolder('up');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    OPTML_HOME: home,
    ...more,
    ...(store === undefined
      ? {}
      : {
          OPTML_STORE: store.url,
          AWS_ACCESS_KEY_ID: store.accessKeyId,
          AWS_SECRET_ACCESS_KEY: store.secretAccessKey,
        }),
  };
  const child = spawn(process.execPath, [CLI, 'up', '--port', '0', '--json'], {
    env,
    cwd: home,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([text]) => String(text)),
    ended.then(([status]) => {
      throw new Error(`optml up ended with ${status}: ${complaints}`);
    }),
  ]);
  const { stdout } = await run(process.execPath, [CLI, 'env'], { env, cwd: home });
  const variable = (name: string): string =>
    new RegExp(`^export ${name}='(.*)'$`, 'm').exec(stdout)?.[1] ?? '';
  return {
    home,
    url: (JSON.parse(line) as { endpoint: string }).endpoint,
    region: variable('AWS_REGION'),
    accessKeyId: variable('AWS_ACCESS_KEY_ID'),
    secretAccessKey: variable('AWS_SECRET_ACCESS_KEY'),
    async stop() {
      child.kill('SIGINT');
      const [status] = await ended;
      await remove();
      if (status !== 0 || complaints !== '') throw new Error(`optml up ended with ${status}: ${complaints}`);
    },
  };
}
