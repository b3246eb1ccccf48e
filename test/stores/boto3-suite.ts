/** What boto3 does, in a version of today and in one from before checksums became the default. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { pythonClients } from '../store/clients.js';
import type { S3Address } from '../store/server-program.js';
import { clientEnvironment, judged, type StoreName } from './subject.js';

const run = promisify(execFile);
const SCRIPT = join(import.meta.dirname, 'boto3-checks.py');

/** Every check of the script by its name, as the script itself derives it. */
const CHECKS = [...readFileSync(SCRIPT, 'utf8').matchAll(/^@check\ndef (\w+)/gm)].map(([, name = '']) =>
  name.replaceAll('_', ' '),
);

export function boto3Suite({
  name,
  address,
}: {
  readonly name: StoreName;
  readonly address: () => S3Address;
}): void {
  for (const [client, age] of [
    ['boto3', 'new'],
    ['boto3 1.26', 'old'],
  ] as const)
    describe(client, () => {
      const errors = new Map<string, string | null>();

      beforeAll(async () => {
        const { stdout } = await run(pythonClients(age).python, [SCRIPT, `checks-${age}`], {
          env: clientEnvironment(address()),
          maxBuffer: 1 << 26,
        });
        for (const line of stdout.trim().split('\n')) {
          const { check, error } = JSON.parse(line) as { check: string; error: string | null };
          errors.set(check, error);
        }
      });

      it('ran every check', () => {
        expect([...errors.keys()]).toEqual(CHECKS);
      });

      for (const check of CHECKS)
        judged({ store: name, client, check }, async () => {
          const error = errors.get(check);
          if (error !== null) throw new Error(error ?? 'it did not run');
        });
    });
}
