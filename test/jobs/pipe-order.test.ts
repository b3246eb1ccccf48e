/** What comes through a FIFO, and in which order: manifests, augmented manifests, shards, shuffles (contract §1.5, §1.6). */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { refusedJob, runJob } from '../harness/job.js';
import { homeWith, inImage, pipeJob, untilFifo } from '../harness/pipe-job.js';
import { channel, type Request } from '../harness/requests.js';
import { pythonClients } from '../store/clients.js';

const run = promisify(execFile);

const MANIFEST = 's3://lists/manifest';

function listed(source: Request, members: Request = {}): Request {
  return {
    ChannelName: 'train',
    DataSource: { S3DataSource: { S3Uri: MANIFEST, ...source } },
    ...members,
  };
}

const BY_MANIFEST = { S3DataType: 'ManifestFile' };

function hosts(count: number): Request {
  return { ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: count, VolumeSizeInGB: 10 } };
}

/** Reads so many epochs, a line each. */
function epochs(count: number): string {
  const numbers = Array.from({ length: count }, (_, index) => index).join(' ');
  return `for n in ${numbers}; do ${untilFifo('train', '$n')}; cat train_$n; echo; done`;
}

function sorted(line: string): string {
  return line
    .trim()
    .split(' ')
    .sort((a, b) => Number(a) - Number(b))
    .join(' ');
}

const COUNT = 30;
const NUMBERS = Array.from({ length: COUNT }, (_, index) => String(index).padStart(2, '0'));
const OBJECTS = Object.fromEntries(NUMBERS.map(number => [`s3://data/train/${number}`, `${number} `]));
const ALL = NUMBERS.join(' ');

describe('a ManifestFile', () => {
  test('is read in its own order, each entry as often as it stands there', async () => {
    const home = await homeWith({
      [MANIFEST]: JSON.stringify([{ prefix: 's3://data/tr' }, 'ain/20', 'ain/03', 'ain/10', 'ain/03']),
      ...OBJECTS,
    });
    const { status, log } = await runJob(
      pipeJob([epochs(2), 'ls', 'cat ../config/inputdataconfig.json'], [listed(BY_MANIFEST)]),
      { home },
    );
    expect({ status, log }).toEqual({
      status: 0,
      log: [
        '20 03 10 03 ',
        '20 03 10 03 ',
        'train_2',
        '{"train":{"TrainingInputMode":"Pipe","S3DistributionType":"FullyReplicated","RecordWrapperType":"None"}}',
      ],
    });
  });

  test('that names what is not there fails the job, with the URI, and the reader sees no end', async () => {
    const home = await homeWith({
      [MANIFEST]: '[{"prefix":"s3://data/train/"},"01","gone","02"]',
      ...OBJECTS,
    });
    const { status, log, described } = await runJob(
      pipeJob(['cat train_0 > /dev/null; echo ended'], [listed(BY_MANIFEST)]),
      { home },
    );
    expect({ status, log }).toEqual({ status: 1, log: [] });
    expect(described.FailureReason).toMatch(/^ClientError: Data download failed:.*s3:\/\/data\/train\/gone/);
  });

  test.each([
    ['is no JSON', 'a,b', 'it is no JSON'],
    ['names nothing', '[{"prefix":"s3://data/"}]', 'no object stands behind its prefix'],
  ])('that %s fails the job before anything runs', async (_, text, reason) => {
    const home = await homeWith({ [MANIFEST]: text });
    const { status, log, described } = await runJob(pipeJob(['echo ran'], [listed(BY_MANIFEST)]), { home });
    expect({ status, log }).toEqual({ status: 1, log: [] });
    expect(described.FailureReason).toContain(reason);
  });
});

describe('ShardedByS3Key', () => {
  const SHARDED = { S3DataDistributionType: 'ShardedByS3Key' };

  test.each([
    ['a prefix', { S3DataType: 'S3Prefix', S3Uri: 's3://data/train/' }, ALL.split(' ')],
    ['a manifest', BY_MANIFEST, ['20', '03', '10', '11', '00']],
  ])('deals %s out to the hosts, object for object', async (_, source, order) => {
    const home = await homeWith({
      [MANIFEST]: JSON.stringify([{ prefix: 's3://data/train/' }, ...order]),
      ...OBJECTS,
    });
    const { status, logOf } = await runJob(
      pipeJob([epochs(2)], [listed({ ...source, ...SHARDED })], hosts(2)),
      { home },
    );
    expect(status).toBe(0);
    for (const host of [0, 1]) {
      const share = `${order.filter((_number, index) => index % 2 === host).join(' ')} `;
      expect(logOf(`algo-${host + 1}`)).toEqual([share, share]);
    }
  });

  test('with fewer objects than hosts, a share is empty: an end and no byte', async () => {
    const home = await homeWith({ 's3://data/train/only': 'only' });
    const { status, logOf } = await runJob(
      pipeJob(
        [epochs(2)],
        [listed({ S3DataType: 'S3Prefix', S3Uri: 's3://data/train/', ...SHARDED })],
        hosts(2),
      ),
      { home },
    );
    expect(status).toBe(0);
    expect([logOf('algo-1'), logOf('algo-2')]).toEqual([
      ['only', 'only'],
      ['', ''],
    ]);
  });

  test('when one share cannot be fed, all hosts are ended, and the job fails with the URI', async () => {
    const home = await homeWith({
      [MANIFEST]: '[{"prefix":"s3://data/train/"},"00","gone","02"]',
      ...OBJECTS,
    });
    const { status, described, logOf } = await runJob(
      pipeJob(
        ['cat train_0 > /dev/null; echo read; sleep 600'],
        [listed({ ...BY_MANIFEST, ...SHARDED })],
        hosts(2),
      ),
      { home },
    );
    expect(status).toBe(1);
    expect(logOf('algo-2')).toEqual([]);
    expect(described.FailureReason).toMatch(/^ClientError: Data download failed:.*s3:\/\/data\/train\/gone/);
  });

  test('with ShuffleConfig, a host gets other objects in each epoch, and all hosts together every one', async () => {
    const home = await homeWith(OBJECTS);
    const source = { S3DataType: 'S3Prefix', S3Uri: 's3://data/train/', ...SHARDED };
    const { status, logOf } = await runJob(
      pipeJob([epochs(3)], [listed(source, { ShuffleConfig: { Seed: 5 } })], hosts(2)),
      { home },
    );
    expect(status).toBe(0);
    const [one, two] = [logOf('algo-1'), logOf('algo-2')];
    expect(new Set(one.map(sorted)).size).toBe(3);
    for (const epoch of [0, 1, 2]) {
      expect(sorted(`${one[epoch] ?? ''}${two[epoch] ?? ''}`)).toBe(ALL);
      expect(one[epoch]?.trim().split(' ')).toHaveLength(COUNT / 2);
    }
  });
});

test('InstanceGroupNames: hosts of other groups have no FIFO, and their config file names the channel', async () => {
  const home = await homeWith(OBJECTS);
  const ofGroup = (name: string, group: string): Request => ({
    ChannelName: name,
    DataSource: {
      S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://data/train/', InstanceGroupNames: [group] },
    },
  });
  const group = (InstanceGroupName: string): Request => ({
    InstanceGroupName,
    InstanceType: 'ml.m5.large',
    InstanceCount: 1,
  });
  const { status, logOf } = await runJob(
    pipeJob(
      [
        'ls; for n in *_0; do cat $n; echo; done',
        'grep -o \'"[ab]":\' ../config/inputdataconfig.json | sort',
      ],
      [ofGroup('a', 'one'), ofGroup('b', 'two')],
      { ResourceConfig: { InstanceGroups: [group('one'), group('two')], VolumeSizeInGB: 10 } },
    ),
    { home },
  );
  expect(status).toBe(0);
  expect(logOf('algo-1')).toEqual(['a_0', `${ALL} `, '"a":', '"b":']);
  expect(logOf('algo-2')).toEqual(['b_0', `${ALL} `, '"a":', '"b":']);
});

describe('ShuffleConfig', () => {
  test.each([
    ['a ManifestFile', BY_MANIFEST, JSON.stringify([{ prefix: 's3://data/train/' }, ...NUMBERS])],
    [
      'an AugmentedManifestFile, whose lines stay whole',
      { S3DataType: 'AugmentedManifestFile', AttributeNames: ['number-ref', 'blank'] },
      NUMBERS.map(number => `{"number-ref":"s3://data/train/${number}","blank":" "}\n`).join(''),
    ],
  ])('orders %s anew in each epoch, by its seed', async (_, source, text) => {
    const home = await homeWith({ [MANIFEST]: text, ...OBJECTS });
    const logOf = async (seed: number): Promise<readonly string[]> => {
      const job = pipeJob([epochs(3)], [listed(source, { ShuffleConfig: { Seed: seed } })]);
      const { status, log } = await runJob(job, { home });
      expect(status).toBe(0);
      return log.map(line => line.replaceAll(/ +/g, ' '));
    };
    const first = await logOf(7);
    expect(new Set(first).size).toBe(3);
    expect(first.map(sorted)).toEqual([ALL, ALL, ALL]);
    expect(await logOf(7)).toEqual(first);
    expect(await logOf(8)).not.toEqual(first);
  });

  test('has no effect in File mode, and neither has RecordIO', async () => {
    const home = await homeWith({ 's3://data/train/a': 'A', 's3://data/train/b': 'B' });
    const members = { InputMode: 'File', ShuffleConfig: { Seed: 3 }, RecordWrapperType: 'RecordIO' };
    const { status, log } = await runJob(
      pipeJob(
        ['cat train/a train/b; echo; cat train-manifest'],
        [channel('train', 's3://data/train/', members)],
      ),
      { home },
    );
    expect({ status, log }).toEqual({
      status: 0,
      log: ['AB', 'train/', 's3://data/train/a', 's3://data/train/b'],
    });
  });
});

describe('an AugmentedManifestFile', () => {
  const LINES = [
    { 'image-ref': 's3://data/train/01', label: 'cat', meta: { human: true, tags: ['a', 1.5] }, ignored: 1 },
    { label: 'dög', ignored: null, meta: null, 'image-ref': 's3://data/train/02' },
    { 'image-ref': 's3://other/empty', label: '', meta: 12345678901, extra: 's3://data/train/03' },
  ];
  const TEXT = LINES.map(line => JSON.stringify(line)).join('\n');

  function augmented(attributes: readonly string[], members: Request = {}): Request {
    return listed({ S3DataType: 'AugmentedManifestFile', AttributeNames: attributes }, members);
  }

  test('sends the attributes in the order of AttributeNames, one after the other', async () => {
    const home = await homeWith({ [MANIFEST]: TEXT, 's3://other/empty': '', ...OBJECTS });
    const { status, log } = await runJob(pipeJob([epochs(2)], [augmented(['label', 'image-ref', 'meta'])]), {
      home,
    });
    const epoch = 'cat01 {"human":true,"tags":["a",1.5]}dög02 null12345678901';
    expect({ status, log }).toEqual({ status: 0, log: [epoch, epoch] });
  });

  test('with RecordIO, each value is a record, an empty one too; MXNet reads them', async () => {
    const home = await homeWith({ [MANIFEST]: `${TEXT}\n`, 's3://other/empty': '', ...OBJECTS });
    const { status, output } = await runJob(
      pipeJob(
        ['cat train_0 > /opt/ml/model/all'],
        [augmented(['image-ref', 'label'], { RecordWrapperType: 'RecordIO' })],
      ),
      { home },
    );
    expect(status).toBe(0);
    await run('tar', ['-xf', output('model.tar.gz'), '-C', home, 'all']);
    const { stdout } = await run(pythonClients('mxnet').python, ['-c', READ, join(home, 'all')]);
    expect(JSON.parse(stdout)).toEqual(['01 ', 'cat', '02 ', 'dög', '', '']);
  });

  test('is dealt out to the hosts line for line', async () => {
    const home = await homeWith({ [MANIFEST]: TEXT, 's3://other/empty': '', ...OBJECTS });
    const channels = [augmented(['label', 'image-ref'])];
    const source = channels[0]?.['DataSource'] as { readonly S3DataSource: Request };
    source.S3DataSource['S3DataDistributionType'] = 'ShardedByS3Key';
    const { status, logOf } = await runJob(pipeJob([epochs(1)], channels, hosts(2)), { home });
    expect(status).toBe(0);
    expect([logOf('algo-1'), logOf('algo-2')]).toEqual([['cat01 '], ['dög02 ']]);
  });

  test.each([
    ['names an object that is not there', '{"image-ref":"s3://data/train/gone"}', 's3://data/train/gone'],
    ['leads into a bucket that is not there', '{"image-ref":"s3://nowhere/a"}', 's3://nowhere/a'],
  ])('that %s fails the job, with the URI, and the reader sees no end', async (_, line, uri) => {
    const home = await homeWith({
      [MANIFEST]: `{"image-ref":"s3://data/train/01"}\n${line}\n`,
      ...OBJECTS,
    });
    const { status, log, described } = await runJob(
      pipeJob(['cat train_0 > /dev/null; echo ended'], [augmented(['image-ref'])]),
      { home },
    );
    expect({ status, log }).toEqual({ status: 1, log: [] });
    expect(described.FailureReason).toMatch(/^ClientError: Data download failed:/);
    expect(described.FailureReason).toContain(uri);
  });

  test.each([
    ['lacks an attribute', '{"label":"cat"}', 'line 2 has no attribute "image-ref"'],
    ['has a line that is no object', '[1]', 'line 2 is no JSON object'],
    [
      'refers to what is no object in S3',
      '{"image-ref":"cat.png"}',
      'where the S3 URI of an object was expected',
    ],
  ])('that %s fails the job before anything runs', async (_, line, reason) => {
    const home = await homeWith({ [MANIFEST]: `{"image-ref":"s3://data/train/01"}\n${line}`, ...OBJECTS });
    const { status, log, described } = await runJob(pipeJob(['echo ran'], [augmented(['image-ref'])]), {
      home,
    });
    expect({ status, log }).toEqual({ status: 1, log: [] });
    expect(described.FailureReason).toMatch(/^ClientError: Data download failed:/);
    expect(described.FailureReason).toContain(reason);
  });

  test('is refused without AttributeNames, in other modes than Pipe, and when it is not there', async () => {
    const home = await homeWith({ [MANIFEST]: TEXT });
    const said = (members: Request): Promise<string> => refusedJob(pipeJob(['true'], [members]), { home });
    expect(await said(listed({ S3DataType: 'AugmentedManifestFile' }))).toContain('needs AttributeNames');
    for (const InputMode of ['File', 'FastFile'])
      expect(await said(augmented(['label'], { InputMode }))).toContain(
        'S3DataType AugmentedManifestFile is for Pipe mode only',
      );
    const absent = listed({
      S3DataType: 'AugmentedManifestFile',
      S3Uri: `${MANIFEST}-2`,
      AttributeNames: ['a'],
    });
    expect(await said(absent)).toContain(`No S3 objects found under S3 URL "${MANIFEST}-2"`);
  });
});

describe('RecordIO', () => {
  test('of an object of 2^29 bytes and more is a record of several parts', { timeout: 300_000 }, async () => {
    const size = 2 ** 30 + 1001;
    const home = await homeWith({ 's3://data/code/parts.py': PARTS, 's3://data/train/b': 'small' });
    await run('truncate', ['-s', String(size), join(home, 's3/data/train/a')]);
    const channels = [
      channel('train', 's3://data/train/', { RecordWrapperType: 'RecordIO' }),
      channel('code', 's3://data/code/', { InputMode: 'File' }),
    ];
    const job = inImage(pipeJob(['python3 code/parts.py train_0'], channels), 'optml-demo:latest');
    const { status, log } = await runJob(job, { home });
    const most = 2 ** 29 - 4;
    expect({ status, log }).toEqual({
      status: 0,
      log: [`1 ${most} 0`, `2 ${most} 0`, `3 ${size - 2 * most} 3`, '0 5 3', '0 objects begun'],
    });
  });
});

const READ = `
import json, sys, mxnet
records = mxnet.recordio.MXRecordIO(sys.argv[1], 'r')
print(json.dumps([one.decode() for one in iter(records.read, None)]))
`;

/** Flag, length and padding of each part, as ml-io and MXNet read them. */
const PARTS = `
import struct, sys
with open(sys.argv[1], 'rb') as fifo:
    begun = 0
    while head := fifo.read(8):
        magic, word = struct.unpack('<II', head)
        assert magic == 0xced7230a, hex(magic)
        flag, length = word >> 29, word & (1 << 29) - 1
        left = length
        while left: left -= len(fifo.read(min(left, 1 << 20)))
        padding = -length % 4
        assert fifo.read(padding) == bytes(padding)
        begun = {0: 0, 1: 1, 2: 1, 3: 0}[flag]
        print(flag, length, padding)
print(begun, 'objects begun')
`;
