/** Names that an isolated host asks for stay in it: Docker's DNS server is no way out. Needs root. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runJob } from '../harness/job.js';
import { afterThis } from '../harness/optml.js';
import { shellJob } from '../harness/requests.js';
import { startSecondEngine } from '../harness/second-engine.js';

test.skipIf(process.getuid?.() !== 0)('the engine passes no question on', async () => {
  const hidden = await mkdtemp(join(tmpdir(), 'optml-far-'));
  afterThis(() => rm(hidden, { recursive: true, force: true }));
  const engine = await startSecondEngine({ images: ['optml-shell'], hidden });
  afterThis(() => engine.stop());
  for (const isolated of [false, true]) {
    const line = `getent hosts from-$(hostname)-${isolated}.invalid || getent hosts algo-1 algo-2 | wc -l`;
    const ended = await runJob(
      shellJob(line, {
        EnableNetworkIsolation: isolated,
        ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 2, VolumeSizeInGB: 10 },
      }),
      { env: { DOCKER_HOST: engine.url } },
    );
    expect(ended.stderr).toContain('algo-1 | 2');
  }
  const asked = await engine.questions();
  expect(asked).toContain('from-algo-1-false');
  expect(asked).not.toContain('-true');
});
