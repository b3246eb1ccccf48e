import { describe, expect, test } from 'vitest';
import { formatS3Uri, parseS3Location } from '../../src/job/s3-location.js';

describe('the forms of an S3 address', () => {
  test.each([
    ['s3://bucket', 'bucket', ''],
    ['s3://bucket/', 'bucket', ''],
    ['s3://MyBucket_1/a/b', 'MyBucket_1', 'a/b'],
    ['s3://bucket//a//b/', 'bucket', '/a//b/'],
    ['s3://bucket/100%25 ü+', 'bucket', '100%25 ü+'],
    ['s3://bucket/../x', 'bucket', '../x'],
    ['https://s3.us-west-2.amazonaws.com/bucket/a/b', 'bucket', 'a/b'],
    ['https://s3-us-west-2.amazonaws.com/bucket', 'bucket', ''],
    ['https://s3.amazonaws.com/bucket/a%20b', 'bucket', 'a b'],
    ['https://bucket.s3.amazonaws.com/a', 'bucket', 'a'],
    ['https://my.bucket.s3.eu-central-1.amazonaws.com/a/', 'my.bucket', 'a/'],
    ['https://bucket.s3.dualstack.us-east-1.amazonaws.com/a', 'bucket', 'a'],
    ['https://bucket.s3.cn-north-1.amazonaws.com.cn/a', 'bucket', 'a'],
  ])('%s', (text, bucket, key) => {
    expect(parseS3Location(text, 'S3Uri')).toEqual({ bucket, key });
  });

  test.each([
    ['s3:///key', "S3Uri is 's3:///key': it names no bucket. Write s3://bucket/prefix."],
    [
      's3://../key',
      "S3Uri is 's3://../key': '..' cannot be a bucket: letters, digits, dots, hyphens and underscores are allowed, at most 255, no dot first.",
    ],
    [
      's3://.optml/key',
      "S3Uri is 's3://.optml/key': '.optml' cannot be a bucket: letters, digits, dots, hyphens and underscores are allowed, at most 255, no dot first.",
    ],
    [
      's3://arn:aws:s3:us-east-1:123456789012:accesspoint/x/k',
      "S3Uri is 's3://arn:aws:s3:us-east-1:123456789012:accesspoint/x/k': ARNs of access points are not known here. Write the name of the bucket, or the alias of the access point.",
    ],
    [
      'https://example.com/bucket/key',
      "S3Uri is 'https://example.com/bucket/key', but an S3 address was expected: s3://bucket/prefix, or https:// with a host name of S3.",
    ],
    [
      'https://s3.amazonaws.com/bucket/%zz',
      "S3Uri is 'https://s3.amazonaws.com/bucket/%zz', but an S3 address was expected: s3://bucket/prefix, or https:// with a host name of S3.",
    ],
    [
      'https://s3.amazonaws.com/bucket/a?versionId=1',
      "S3Uri is 'https://s3.amazonaws.com/bucket/a?versionId=1', but an S3 address was expected: s3://bucket/prefix, or https:// with a host name of S3.",
    ],
    [
      '/data/train',
      "S3Uri is '/data/train', but an S3 address was expected: s3://bucket/prefix, or https:// with a host name of S3.",
    ],
  ])('%s is refused', (text, message) => {
    expect(() => parseS3Location(text, 'S3Uri')).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', message }),
    );
  });

  test('is written back as s3://', () => {
    expect(formatS3Uri({ bucket: 'b', key: 'a/b' })).toBe('s3://b/a/b');
    expect(formatS3Uri({ bucket: 'b', key: '' })).toBe('s3://b/');
  });
});
