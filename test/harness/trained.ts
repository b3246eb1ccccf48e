/** What `fixtures/code/train.py` does when whoever starts it has told it of its hosts, its channel and its folders. */
import { expect } from 'vitest';
import { objectFile, sizesIn } from './aftermath.js';
import type { EndedJob } from './job.js';

/** All hosts ran the script and ended with the same weights; the model has those of each. */
export async function expectTrained(
  { home, described, stderr }: Pick<EndedJob, 'home' | 'described' | 'stderr'>,
  count: number,
): Promise<void> {
  const { TrainingJobStatus } = described;
  expect({ TrainingJobStatus, stderr }).toMatchObject({ TrainingJobStatus: 'Completed' });
  const hosts = Array.from({ length: count }, (_, index) => `algo-${index + 1}`);
  for (const host of hosts) expect(stderr).toContain(`${host} | ${host} is one of ${count} hosts`);
  const weights = [...stderr.matchAll(/^(algo-\d) \| weights=(\w{64})$/gm)];
  expect(weights.map(match => match[1]).sort()).toEqual(hosts);
  expect(new Set(weights.map(match => match[2])).size).toBe(1);
  const model = objectFile(home, described.ModelArtifacts?.S3ModelArtifacts ?? '');
  const files = Object.keys(await sizesIn(model)).filter(name => name.endsWith('/weights.npy'));
  expect(files.sort()).toEqual(hosts.map(host => `${host}/weights.npy`));
}
