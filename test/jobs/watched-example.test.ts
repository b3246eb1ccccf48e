/** The commented example of what can be watched while a job runs, on as much of the machine as its instance has. */
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seesNothingLeft, type Described } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';

const EXAMPLE = join(import.meta.dirname, '../../fixtures/requests/watched.yaml');

test('its metrics, events and tensors come out, and the container has the /dev/shm of its instance', async () => {
  const home = await scratch('home');
  await copyFile(EXAMPLE, join(home, 'watched.yaml'));
  const { status, stdout, stderr } = await optml(['run', 'watched.yaml', '--json', '--emulate-instance'], {
    home,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });
  await seesNothingLeft(home, 'example-watched');
  const metrics = (JSON.parse(stdout) as Described).FinalMetricDataList ?? [];
  expect(metrics.map(one => [one.MetricName, one.Value]).sort()).toEqual([
    ['train:accuracy', Math.fround(0.9)],
    ['train:loss', 1.5],
    ['train:rmse', Math.fround(0.6)],
  ]);
  const object = (path: string): Promise<string> => readFile(join(home, 's3/optml-demo', path), 'utf8');
  expect(await object('events/example-watched/tensorboard-output/events')).toBe(
    'epoch 1\nepoch 2\nepoch 3\n',
  );
  expect(await object('debug/example-watched/debug-output/epoch-3')).toBe('tensors of epoch 3\n');
  expect(stderr).toMatch(/^algo-1 \| \S+ +4194304 .*\/dev\/shm$/m);
});
