/** Clusters whose process is killed, or that an ordinary user runs. */
import { expect, test } from 'vitest';
import { clean, expectNothingLeft, objectFile, sizesIn } from '../harness/aftermath.js';
import { docker, leftBehind } from '../harness/engine.js';
import { runJob, startJob } from '../harness/job.js';
import { scratch } from '../harness/optml.js';
import { asOrdinaryUser } from '../harness/ordinary-user.js';
import { shellJob } from '../harness/requests.js';

const TWO = { ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 2, VolumeSizeInGB: 10 } };
const TRAINS = 'echo weights > /opt/ml/model/$(hostname); echo written; while :; do sleep 0.1; done';

test('after kill -9, hosts are ended, their models uploaded as one, and the network is removed', async () => {
  const home = await scratch('home');
  const job = await startJob(shellJob(TRAINS, TWO), { home });
  await Promise.all([job.shows('algo-1 | written'), job.shows('algo-2 | written')]);
  job.signal('SIGKILL');
  await job.ended;
  expect(await docker('network', 'ls', '-q', '--filter', `label=optml.job=${job.name}`)).not.toBe('');

  expect(await clean(job.name, { home })).toEqual([
    { what: 'job', name: job.name, job: job.name, done: 'closed' },
  ]);
  await expectNothingLeft(home, job.name);
  const model = objectFile(home, `s3://outputs/here/${job.name}/output/model.tar.gz`);
  expect(await sizesIn(model)).toEqual({ 'algo-1': 8, 'algo-2': 8 });
});

test.each([false, true])('an ordinary user runs one (isolated: %s)', async EnableNetworkIsolation => {
  const line = 'umask 77; getent hosts algo-1 algo-2 | cut -d " " -f 1; echo x > /opt/ml/model/$(hostname)';
  const home = await scratch('home');
  const ended = await runJob(shellJob(line, { ...TWO, EnableNetworkIsolation }), await asOrdinaryUser(home));
  expect(ended.status).toBe(0);
  expect(ended.logOf('algo-2')).toEqual(ended.log);
  expect(await sizesIn(ended.output('model.tar.gz'))).toEqual({ 'algo-1': 2, 'algo-2': 2 });
});

test('a second Ctrl-C kills all hosts, and their models are kept apart', async () => {
  const job = await startJob(shellJob(`trap "sleep 0.5; echo deaf" TERM; ${TRAINS}`, TWO));
  await Promise.all([job.shows('algo-1 | written'), job.shows('algo-2 | written')]);
  job.signal('SIGINT');
  await Promise.all([job.shows('algo-1 | deaf'), job.shows('algo-2 | deaf')]);
  job.signal('SIGINT');
  const { stderr } = await job.finish();
  expect(stderr).toMatch(/kept in .*\/algo-1\/model/);
  expect(stderr).toMatch(/kept in .*\/algo-2\/model/);
  expect(await leftBehind(job.name)).toBe('');
});
