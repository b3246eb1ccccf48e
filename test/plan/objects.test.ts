/** Object → path, and the manifest file, against those of a real job (contract §1.5). */
import { describe, expect, test } from 'vitest';
import { localName } from '../../src/plan/objects.js';
import { capture, channel, printedPlan } from './plans.js';

describe('the name of an object in its channel', () => {
  test.each([
    ['a prefix that ends in a slash is cut off', 'data/train/', 'data/train/x.csv', 'x.csv'],
    ['of an empty prefix the whole key remains', '', 'data/x.csv', 'data/x.csv'],
    [
      'a folder written without its slash is cut off with the slash',
      'data/train',
      'data/train/x.csv',
      'x.csv',
    ],
    ['folders below the prefix stay', 'data/train', 'data/train/a/b/x.csv', 'a/b/x.csv'],
    ['the URI of one object gives its base name', 'data/train/x.csv', 'data/train/x.csv', 'x.csv'],
    ['the URI of one object at the top gives its name', 'x.csv', 'x.csv', 'x.csv'],
    [
      'of a prefix in the middle of a name that name stays whole',
      'data/train',
      'data/train-x.csv',
      'train-x.csv',
    ],
    ['so does the name of a folder', 'data/tr', 'data/train/a/x.csv', 'train/a/x.csv'],
    ['a prefix in the middle of a name at the top is no loss', 'tr', 'train/x.csv', 'train/x.csv'],
  ])('%s', (_, prefix, key, name) => {
    expect(localName(prefix, key)).toBe(name);
  });
});

test('the manifest of a channel is that of a real job, byte for byte', () => {
  const text = capture('single-data-manifest');
  const [prefix = '', ...uris] = text.trimEnd().split('\n');
  const [, bucket = ''] = /^s3:\/\/([^/]+)/.exec(uris[0] ?? '') ?? [];
  const keys = uris.map(uri => uri.slice(`s3://${bucket}/`.length));
  const plan = printedPlan(
    { InputDataConfig: [channel({ ChannelName: 'data' }, { S3Uri: `s3://${bucket}/${prefix}` })] },
    { data: keys.map(key => ({ key, size: 12 })) },
  );
  expect(plan.hosts[0]?.files['/opt/ml/input/data/data-manifest']).toBe(text);
  expect(plan.hosts[0]?.channels[0]?.objects.map(({ path }) => path)).toEqual([
    '/opt/ml/input/data/data/test',
    '/opt/ml/input/data/data/test2',
  ]);
});

test('the first line of a manifest is the prefix as it was given, with no slash added or taken', () => {
  const manifestOf = (S3Uri: string): string | undefined =>
    printedPlan(
      { InputDataConfig: [channel({ ChannelName: 'c' }, { S3Uri })] },
      { c: [{ key: 'a/x', size: 1 }] },
    ).hosts[0]?.files['/opt/ml/input/data/c-manifest'];
  expect(manifestOf('s3://b/a')).toBe('a\ns3://b/a/x\n');
  expect(manifestOf('s3://b/a/')).toBe('a/\ns3://b/a/x\n');
  expect(manifestOf('s3://b/a/x')).toBe('a/x\ns3://b/a/x\n');
  expect(manifestOf('s3://b')).toBe('\ns3://b/a/x\n');
});
