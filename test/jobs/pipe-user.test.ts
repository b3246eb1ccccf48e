/** Pipe mode for an ordinary user of the docker group, whose rooms are volumes: only the folder of the FIFOs is shared. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clean, expectNothingLeft, textIn } from '../harness/aftermath.js';
import { docker } from '../harness/engine.js';
import { runJob, startJob } from '../harness/job.js';
import { sha256 } from '../harness/known-bytes.js';
import { asOrdinaryUserIn, expectOwned, openHome } from '../harness/ordinary-user.js';
import { feederOf, inImage, pipeJob, untilFifo, untilGone } from '../harness/pipe-job.js';
import { channel, putObject, type Request } from '../harness/requests.js';

const DATA = randomBytes(10_000_000);

async function homeOfUser(): Promise<string> {
  const home = await openHome();
  await putObject(home, 's3://data/train/a', DATA);
  await putObject(home, 's3://data/files/deep/b', 'file');
  return home;
}

const TRAIN = channel('train', 's3://data/train/');

test.each(['optml-shell', 'optml-user-1000'])('epochs come, to an image of %s', async image => {
  const home = await homeOfUser();
  const channels = [TRAIN, channel('files', 's3://data/files/', { InputMode: 'File' })];
  const lines = [
    `for n in 0 1 2; do ${untilFifo('train', '$n')}; sha256sum < train_$n; done`,
    'cat files/deep/b files-manifest; echo own > /opt/ml/input/own; echo model > /opt/ml/model/weights',
    'rm train_3 2> /dev/null || echo the platform owns its FIFOs',
  ];
  const { status, log, stderr, output } = await runJob(
    inImage(pipeJob(lines, channels), image),
    await asOrdinaryUserIn(home),
  );
  expect({ status, log }).toEqual({
    status: 0,
    log: [
      ...Array<string>(3).fill(`${sha256(DATA)}  -`),
      'filefiles/',
      's3://data/files/deep/b',
      'the platform owns its FIFOs',
    ],
  });
  expect(stderr).toContain('the folder of the FIFOs is read-only for the container');
  expect(await textIn(output('model.tar.gz'), 'weights')).toBe('model\n');
  await expectOwned(join(home, 'jobs'));
});

test('a feed that fails kills the container, and the job fails with the URI', async () => {
  const home = await homeOfUser();
  await putObject(home, 's3://data/lists/m', '[{"prefix":"s3://data/"},"train/a","gone"]');
  const InputDataConfig: Request[] = [
    {
      ChannelName: 'train',
      DataSource: { S3DataSource: { S3DataType: 'ManifestFile', S3Uri: 's3://data/lists/m' } },
    },
  ];
  const { status, log, described } = await runJob(
    pipeJob(['cat train_0 > /dev/null; echo ended'], InputDataConfig),
    await asOrdinaryUserIn(home),
  );
  expect({ status, log }).toEqual({ status: 1, log: [] });
  expect(described.FailureReason).toContain('s3://data/gone');
});

test('after kill -9, "optml clean" of this user leaves nothing', async () => {
  const home = await homeOfUser();
  const user = await asOrdinaryUserIn(home);
  const lines = ['exec 3<train_0; head -c 1000 <&3 > /dev/null; echo begun', 'sleep 600'];
  const job = await startJob(pipeJob(lines, [TRAIN]), user);
  await job.shows('algo-1 | begun');
  const feeder = await feederOf(job);
  job.signal('SIGKILL');
  await job.ended;
  expect(await docker('ps', '-q', '--filter', `label=optml.job=${job.name}`)).not.toBe('');
  expect(await clean(job.name, user)).toEqual([
    { what: 'job', name: job.name, job: job.name, done: 'closed' },
  ]);
  await untilGone(feeder);
  await expectNothingLeft(home, job.name);
  await expectOwned(join(home, 'jobs'));
});
