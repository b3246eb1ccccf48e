import { expect, test } from 'vitest';
import { bucketOfS3Name, S3_NAMES } from '../../src/names/s3-names.js';

test.each([
  ['s3.amazonaws.com', null],
  ['s3.us-east-1.amazonaws.com', null],
  ['s3-us-west-2.amazonaws.com', null],
  ['s3.us-gov-west-1.amazonaws.com', null],
  ['s3-fips.us-gov-west-1.amazonaws.com', null],
  ['s3.dualstack.ap-southeast-2.amazonaws.com', null],
  ['s3-fips.dualstack.us-east-2.amazonaws.com', null],
  ['s3-accelerate.amazonaws.com', null],
  ['s3.cn-north-1.amazonaws.com.cn', null],
  ['bucket.s3.amazonaws.com', 'bucket'],
  ['MyBucket.s3.eu-central-1.amazonaws.com', 'MyBucket'],
  ['with.dots.s3.eu-central-1.amazonaws.com', 'with.dots'],
  ['us-east-1.s3.amazonaws.com', 'us-east-1'],
  ['s3.s3.amazonaws.com', 's3'],
  ['bucket.S3.AMAZONAWS.COM', 'bucket'],
])('%s names the bucket %s', (name, bucket) => {
  expect(bucketOfS3Name(name)).toBe(bucket);
  expect(new RegExp(S3_NAMES).test(name.toLowerCase())).toBe(true);
});

test.each([
  'amazonaws.com',
  'sts.amazonaws.com',
  'runtime.sagemaker.us-east-1.amazonaws.com',
  'account.s3-control.us-east-1.amazonaws.com',
  'point-123.s3-accesspoint.us-east-1.amazonaws.com',
  'bucket--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com',
  'mys3.amazonaws.com',
  's3.amazonaws.com.evil.example',
  's3xamazonaws.com',
])('%s is none of its names', name => {
  expect(bucketOfS3Name(name)).toBeUndefined();
  expect(new RegExp(S3_NAMES).test(name)).toBe(false);
});
