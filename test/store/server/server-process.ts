/** A server in a process of its own, to be killed. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { S3Client } from '@aws-sdk/client-s3';
import { createClient } from './harness.js';

export interface ServerProcess {
  readonly port: number;
  readonly client: S3Client;
  /** The most memory that it ever had, in MiB. */
  peakMemory(): number;
  /** SIGKILL: it cannot do anything more. */
  kill(): Promise<void>;
}

export async function startProcess(root: string): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    ['--import', join(import.meta.dirname, 'typescript-loader.mjs'), join(import.meta.dirname, 'serve.ts'), root],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const port = Number(line);
  const client = createClient(`http://127.0.0.1:${port}`);
  return {
    port,
    client,
    peakMemory() {
      const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
    },
    async kill() {
      client.destroy();
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
