/** The bad luck of an ordinary user, whose containers run as root and write what only root may read. */
import { describe, expect, it } from 'vitest';
import {
  clean,
  describeJob,
  expectNothingLeft,
  expectStatus,
  keptPaths,
  objectFile,
  sizesIn,
  textIn,
} from '../harness/aftermath.js';
import { gatedStore } from '../harness/gated-store.js';
import { optml, scratch, start, type Start } from '../harness/optml.js';
import { asOrdinaryUser, expectOwned } from '../harness/ordinary-user.js';
import { channel, putObject, shell, shellJob, writeRequest, type Request } from '../harness/requests.js';

const WRITES =
  'umask 077; echo secret > /opt/ml/model/weights; echo data > /opt/ml/output/data/file; echo written';
const STAYS = "trap 'exit 0' TERM; while :; do sleep 0.1; done";

describe('an ordinary user of the docker group', () => {
  it('stops a job from a second terminal: all is collected', async () => {
    const { options, job, request } = await prepared([WRITES, STAYS]);
    const running = start(['run', request, '--json'], options);
    await running.shows('algo-1 | written');
    expectStatus(await optml(['stop', job], options), 0);
    expectStatus(await running.ended, 4);
    await expectCollected(options, job);
  });

  it('is killed: clean collects, and leaves nothing', async () => {
    const { options, job, request } = await prepared([WRITES, STAYS], {
      InputDataConfig: [channel('train', 's3://data/train/')],
    });
    const running = start(['run', request], options);
    await running.shows('algo-1 | written');
    running.signal('SIGKILL');
    await running.ended;
    expect(await clean(job, options, '--dry-run')).toContainEqual({
      what: 'job',
      name: job,
      job,
      done: 'would be closed',
    });
    expect(await clean(job, options)).toEqual([{ what: 'job', name: job, job, done: 'closed' }]);
    await expectCollected(options, job);
    expect((await describeJob(job, options)).TrainingJobStatus).toBe('Failed');
  });

  it('with an image of another user is killed: clean collects, and leaves nothing', async () => {
    const { options, job, request } = await prepared(
      '',
      shell([WRITES, STAYS], { TrainingImage: 'optml-user-1000' }),
    );
    const running = start(['run', request], options);
    await running.shows('algo-1 | written');
    running.signal('SIGKILL');
    await running.ended;
    expect(await clean(job, options)).toEqual([{ what: 'job', name: job, job, done: 'closed' }]);
    await expectCollected(options, job);
  });

  it('loses the store: the outputs are kept as files of that user, and named', async () => {
    const { options, job, request } = await prepared(WRITES);
    const store = await gatedStore();
    const sent = store.requests.hold(/^PUT /);
    const running = start(['run', request, '--store', store.url], {
      ...options,
      env: { ...options.env, ...store.env },
    });
    await sent.reached;
    await store.stop();
    const result = await running.ended;
    expectStatus(result, 1);
    const kept = await keptPaths({
      ...result,
      stderr: result.stderr.replaceAll(options.env?.['OPTML_HOME'] ?? options.home, options.home),
    });
    expect(await Promise.all(kept.map(path => sizesIn(path)))).toEqual([
      { 'model/': 0, 'model/weights': 7 },
      { 'data/': 0, 'data/file': 5 },
    ]);
    await expectOwned(options.home);
    await expectNothingLeft(options.home, job);
  });

  it("keeps the tree with --keep: it is that user's", async () => {
    const { options, job, request } = await prepared(WRITES);
    const result = await optml(['run', request, '--keep'], options);
    expectStatus(result, 0);
    expect(result.stderr).toContain('The /opt/ml tree');
    await expectCollected(options, job);
  });
});

async function expectCollected({ home }: Start, job: string): Promise<void> {
  const output = objectFile(home, `s3://outputs/here/${job}/output`);
  expect(await textIn(`${output}/model.tar.gz`, 'weights')).toBe('secret\n');
  expect(await textIn(`${output}/output.tar.gz`, 'file')).toBe('data\n');
  await expectOwned(home);
  await expectNothingLeft(home, job);
}

async function prepared(
  line: string | readonly string[],
  members: Request = {},
): Promise<{ options: Start; job: string; request: string }> {
  const home = await scratch('user');
  const body = shellJob(line, members);
  await putObject(home, 's3://data/train/a', 'a');
  await writeRequest(home, body);
  const options = await asOrdinaryUser(home);
  const job = String(body['TrainingJobName']);
  return { options, job, request: `${options.env?.['OPTML_HOME'] ?? home}/${job}.json` };
}
