/** What `fixtures/code/train.py` does when whoever starts it has told it of its hosts, its channel and its folders. */
import { expect } from 'vitest';
import { objectFile, sizesIn } from './aftermath.js';
import type { EndedJob } from './job.js';

/** All hosts ran the script and ended with the same weights; the model has those of each. */
export async function expectTrained(ended: EndedJob, count: number): Promise<void> {
  const { status, stderr } = ended;
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });
  const hosts = Array.from({ length: count }, (_, index) => `algo-${index + 1}`);
  for (const host of hosts) expect(ended.logOf(host)).toContain(`${host} is one of ${count} hosts`);
  const weights = hosts.flatMap(host => ended.logOf(host).filter(line => line.startsWith('weights=')));
  expect(weights).toHaveLength(count);
  expect(new Set(weights).size).toBe(1);
  const model = objectFile(ended.home, ended.described.ModelArtifacts?.S3ModelArtifacts ?? '');
  const files = Object.keys(await sizesIn(model)).filter(name => name.endsWith('/weights.npy'));
  expect(files.sort()).toEqual(hosts.map(host => `${host}/weights.npy`));
}
