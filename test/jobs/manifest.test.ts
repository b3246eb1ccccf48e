/** ManifestFile channels on a real engine (contract §1.5), and what a bad one gets. */
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { refusedJob, runJob } from '../harness/job.js';
import { scratch } from '../harness/optml.js';
import { putObject, shellJob, type Request } from '../harness/requests.js';

const URI = 's3://lists/train.manifest';

function manifestChannel(name = 'train', uri = URI, source: Request = {}): Request {
  return {
    ChannelName: name,
    DataSource: { S3DataSource: { S3DataType: 'ManifestFile', S3Uri: uri, ...source } },
  };
}

async function homeWith(objects: Readonly<Record<string, string>>): Promise<string> {
  const home = await scratch('home');
  for (const [uri, content] of Object.entries(objects)) await putObject(home, uri, content);
  return home;
}

const SHOW = "cd /opt/ml/input/data; find . -type f -printf '%P ' -exec cat {} \\; | LC_ALL=C sort";

describe('a ManifestFile channel', () => {
  test('brings what it names from the bucket that it names, under the whole keys, and no manifest file', async () => {
    const home = await homeWith({
      [URI]: JSON.stringify([{ prefix: 's3://data/some/pre' }, 'fix/a.csv', 'fix/deep/b.csv']),
      's3://data/some/prefix/a.csv': 'a\n',
      's3://data/some/prefix/deep/b.csv': 'b\n',
      's3://data/some/prefix/not-named.csv': 'n\n',
    });
    const { status, log } = await runJob(shellJob(SHOW, { InputDataConfig: [manifestChannel()] }), { home });
    expect({ status, log }).toEqual({
      status: 0,
      log: ['train/some/prefix/a.csv a', 'train/some/prefix/deep/b.csv b'],
    });
  });

  test('is announced as File, and dealt out like any other', async () => {
    const home = await homeWith({ [URI]: '[{"prefix":"s3://data/"},"a"]', 's3://data/a': 'a\n' });
    const { log } = await runJob(
      shellJob('cat /opt/ml/input/config/inputdataconfig.json; ls /opt/ml/input/data/train', {
        InputDataConfig: [manifestChannel('train', URI, { S3DataDistributionType: 'ShardedByS3Key' })],
      }),
      { home },
    );
    expect(log).toEqual([
      '{"train":{"TrainingInputMode":"File","S3DistributionType":"ShardedByS3Key","RecordWrapperType":"None"}}a',
    ]);
  });
});

describe('is refused in the words of AWS', () => {
  test('a manifest that is not there, also where other keys begin like it', async () => {
    const home = await homeWith({ [`${URI}.old`]: '[]' });
    const said = await refusedJob(shellJob('true', { InputDataConfig: [manifestChannel()] }), { home });
    expect(said).toContain(`No S3 objects found under S3 URL "${URI}" given in input data source.`);
  });

  test('two channels of one name', async () => {
    const home = await homeWith({ [URI]: '[{"prefix":"s3://data/"},"a"]', 's3://data/a': 'a' });
    const InputDataConfig = [manifestChannel(), manifestChannel()];
    const said = await refusedJob(shellJob('true', { InputDataConfig }), { home });
    expect(said).toContain("Channel names must be unique, but 'train' is given more than once");
  });

  test.each([
    ['Gzip', { CompressionType: 'Gzip' }, {}, 'CompressionType Gzip is for Pipe mode only'],
    [
      'an augmented manifest',
      {},
      { S3DataType: 'AugmentedManifestFile', AttributeNames: ['a'] },
      'S3DataType AugmentedManifestFile is for Pipe mode only',
    ],
  ])('%s in File mode', async (_, members, source, words) => {
    const home = await homeWith({ [URI]: '{}' });
    const InputDataConfig = [{ ...manifestChannel('train', URI, source), ...members }];
    expect(await refusedJob(shellJob('true', { InputDataConfig }), { home })).toContain(words);
  });
});

describe('the job fails, and says why, when a manifest', () => {
  const cases: readonly [what: string, text: string, reason: string][] = [
    ['is no JSON', '[{"prefix":"s3://data/"}, a]', 'it is no JSON'],
    ['is no array', '{"prefix":"s3://data/"}', 'where a JSON array was expected'],
    ['has no prefix', '["a"]', 'it begins with "a"'],
    ['has an empty prefix', '[{"prefix":""},"s3://data/a"]', 'it begins with {"prefix":""}'],
    ['has a prefix that is no place in S3', '[{"prefix":"data/"},"a"]', '"data/" is no S3 address'],
    ['names nothing', '[{"prefix":"s3://data/"}]', 'no object stands behind its prefix'],
    ['names what is no text', '[{"prefix":"s3://data/"},"a",7]', 'its entry 2 is 7'],
    ['leads to a second bucket', '[{"prefix":"s3://da"},"ta/a","te/a"]', 'expected an object of bucket'],
    [
      'names an object that is not there',
      '[{"prefix":"s3://data/"},"a","gone"]',
      's3://data/gone, which a manifest names, cannot be had (it is not there)',
    ],
    ['names a folder', '[{"prefix":"s3://data/"},"a/"]', 'its name ends in a slash'],
    [
      'names an object that leads out of its folder',
      '[{"prefix":"s3://data/"},"../a"]',
      'cannot become a file of its channel',
    ],
    [
      'names an object twice',
      '[{"prefix":"s3://data/"},"a","a"]',
      'another object of the channel needs the same path',
    ],
  ];

  test.each(cases)('%s', async (_, text, reason) => {
    const home = await homeWith({ [URI]: text, 's3://data/a': 'a' });
    const { status, described } = await runJob(shellJob('true', { InputDataConfig: [manifestChannel()] }), {
      home,
    });
    expect({ status, ended: described.TrainingJobStatus }).toEqual({ status: 1, ended: 'Failed' });
    expect(described.FailureReason).toMatch(/^ClientError: Data download failed:/);
    expect(described.FailureReason).toContain(reason);
  });

  test('is larger than what is read', async () => {
    const home = await homeWith({ [URI]: '' });
    await truncate(join(home, 's3/lists/train.manifest'), 64 * 1024 * 1024 + 1);
    const { status, described } = await runJob(shellJob('true', { InputDataConfig: [manifestChannel()] }), {
      home,
    });
    expect(status).toBe(1);
    expect(described.FailureReason).toMatch(
      /^ClientError: Data download failed:.*s3:\/\/lists\/train\.manifest.*split it/,
    );
  });
});
