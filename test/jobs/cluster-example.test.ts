/** A real distributed program on four hosts: the commented example of a cluster. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { objectFile, sizesIn } from '../harness/aftermath.js';
import { seesNothingLeft, type Described } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';

const ROOT = join(import.meta.dirname, '../..');

test('four hosts train on their shards, and end with the same weights', async () => {
  const home = await scratch('home');
  await copyFile(join(ROOT, 'fixtures/requests/cluster.yaml'), join(home, 'cluster.yaml'));
  const maps = ['digits', 'code'].flatMap(name => [
    '--map',
    `s3://optml-demo/${name}=${join(ROOT, 'fixtures', name)}`,
  ]);
  const { status, stdout, stderr } = await optml(['run', 'cluster.yaml', '--json', ...maps], { home });
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });
  await seesNothingLeft(home, 'example-cluster');

  const [metric] = (JSON.parse(stdout) as Described).FinalMetricDataList ?? [];
  expect(metric?.MetricName).toBe('train:accuracy');
  expect(metric?.Value).toBeGreaterThan(0.9);
  const weights = [...stderr.matchAll(/^(algo-\d) \| weights=(\w{64})$/gm)];
  expect(new Set(weights.map(match => match[1])).size).toBe(4);
  expect(new Set(weights.map(match => match[2])).size).toBe(1);
  const images = [...stderr.matchAll(/^algo-\d \| (\d+) images in (\d) files$/gm)].map(match =>
    Number(match[2]),
  );
  expect(images.sort()).toEqual([0, 1, 1, 1]);
  const model = objectFile(home, 's3://optml-demo/output/example-cluster/output/model.tar.gz');
  expect(Object.keys(await sizesIn(model)).filter(name => name.endsWith('weights.npy'))).toHaveLength(4);
});
