/** A server in a process of its own, to be killed. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { S3Client } from '@aws-sdk/client-s3';
import ts from 'typescript';
import { createClient } from './harness.js';

export interface ServerProgram {
  readonly script: string;
  remove(): void;
}

const ROOT = join(import.meta.dirname, '../../..');

/** The sources as they are now, as a program: they are translated file by file, and not checked again. */
export function buildProgram(): ServerProgram {
  const cache = join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 's3-server-'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const file of [
    ...sources('src/store'),
    ...sources('src/aws'),
    'src/errors.ts',
    'test/store/server/serve.ts',
  ]) {
    const { outputText } = ts.transpileModule(readFileSync(join(ROOT, file), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
      },
    });
    const target = join(folder, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  return {
    script: join(folder, 'test/store/server/serve.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name));
}

export interface ServerProcess {
  readonly port: number;
  readonly client: S3Client;
  /** The most memory that it ever had, in MiB. */
  peakMemory(): number;
  /** What it needs after collecting garbage, and what it called faults of its own. */
  state(): Promise<ServerState>;
  /** SIGKILL: it cannot do anything more. */
  kill(): Promise<void>;
}

export interface ServerState {
  readonly heapMiB: number;
  /** Resident, without the pages of files. */
  readonly ownMiB: number;
  readonly faults: readonly string[];
}

export async function startProcess({ script }: ServerProgram, root: string): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['--expose-gc', script, root], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const nextLine = async (): Promise<string> => ((await once(lines, 'line')) as [string])[0];
  const port = Number(await nextLine());
  const client = createClient(`http://127.0.0.1:${port}`);
  return {
    port,
    client,
    peakMemory() {
      const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
    },
    async state() {
      const line = nextLine();
      child.stdin.write('state\n');
      return JSON.parse(await line) as ServerState;
    },
    async kill() {
      client.destroy();
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
