import { describe, expect, it } from 'vitest';
import { fixedCredentials, type CredentialSource } from '../../src/aws/credentials.js';
import { createS3Store } from '../../src/store/s3/s3-store.js';
import { openStore } from '../../src/store/open-store.js';
import { collect } from './contract.js';
import { answerError, startFakeS3 } from './fake-s3.js';

const signal = new AbortController().signal;
const prefix = { bucket: 'bucket', key: 'data/' };
const EMPTY = '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>';

describe('a store that refuses', () => {
  it.each([
    [403, 'InvalidAccessKeyId', 'STORE_DENIED', 'AWS_ACCESS_KEY_ID'],
    [403, 'SignatureDoesNotMatch', 'STORE_DENIED', 'AWS_SECRET_ACCESS_KEY'],
    [403, 'AccessDenied', 'STORE_DENIED', 's3://bucket/data/'],
    [400, 'InvalidToken', 'STORE_DENIED', 'AWS_SESSION_TOKEN'],
    [403, 'RequestTimeTooSkewed', 'STORE_DENIED', 'clock'],
    [404, 'NoSuchBucket', 'BUCKET_MISSING', 'aws s3 mb s3://bucket --endpoint-url http'],
    [400, 'AuthorizationHeaderMalformed', 'STORE_UNREACHABLE', '--region'],
    [403, 'InvalidTokenId', 'STORE_DENIED', 'AWS_SESSION_TOKEN'],
    [405, 'MethodNotAllowed', 'STORE_UNREACHABLE', 'MethodNotAllowed'],
  ])('with %i %s is explained as %s', async (status, code, expected, words) => {
    await using fake = await startFakeS3(answer => answerError(answer, status, { code }));
    await expect(collect(fake.store.list(prefix, signal))).rejects.toMatchObject({
      code: expected,
      message: expect.stringContaining(words) as string,
    });
    expect(fake.seen).toHaveLength(1);
  });

  it('says why no output can go there, though a HEAD has no words', async () => {
    await using fake = await startFakeS3((answer, { method }) =>
      method === 'HEAD'
        ? answer.writeHead(403).end()
        : answerError(answer, 403, { code: 'InvalidAccessKeyId' }),
    );
    await expect(fake.store.prepareOutput(prefix, signal)).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('InvalidAccessKeyId') as string,
    });
  });

  it('is asked again with newer credentials when they have ended', async () => {
    const asked: boolean[] = [];
    const credentials: CredentialSource = options => {
      asked.push(options?.forceRefresh === true);
      const sessionToken = asked.includes(true) ? 'new' : 'old';
      return Promise.resolve({ accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken });
    };
    await using fake = await startFakeS3(
      (answer, { headers }) =>
        headers['x-amz-security-token'] === 'new'
          ? answer.end(EMPTY)
          : answerError(answer, 400, { code: 'ExpiredToken' }),
      { credentials },
    );
    expect(await collect(fake.store.list(prefix, signal))).toEqual([]);
    expect(fake.seen).toHaveLength(2);
  });

  it('is asked again in the region that it names, and from then on', async () => {
    await using fake = await startFakeS3((answer, { headers }) =>
      headers.authorization?.includes('/eu-west-3/s3/') === true
        ? answer.end(EMPTY)
        : answerError(answer, 400, {
            code: 'AuthorizationHeaderMalformed',
            more: '<Region>eu-west-3</Region>',
          }),
    );
    await collect(fake.store.list(prefix, signal));
    await collect(fake.store.list(prefix, signal));
    expect(fake.seen).toHaveLength(3);
  });
});

describe('a store that is not there', () => {
  it('is given up soon where nobody listens', async () => {
    // No program is ever given this port by chance.
    const url = 'http://127.0.0.1:1';
    const credentials = fixedCredentials({ accessKeyId: 'AK', secretAccessKey: 'SK' });
    const store = await openStore({ kind: 'url', url, region: 'us-east-1', credentials });
    const start = performance.now();
    await expect(collect(store.list(prefix, signal))).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringMatching(new RegExp(`${url}.*ECONNREFUSED.*--store`)) as string,
    });
    // Half a second: not the minutes that a server which is there may take.
    expect(performance.now() - start).toBeLessThan(20_000);
    await store.close();
  });

  it('is no store when it speaks something else', async () => {
    await using fake = await startFakeS3(answer => answer.end('<html>hello</html>'));
    await expect(collect(fake.store.list(prefix, signal))).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining('not a listing') as string,
    });
  });

  it.each(['ftp://x', 'nonsense', 'http://key:secret@host'])('cannot be opened as %s', async url => {
    const credentials = fixedCredentials({ accessKeyId: 'AK', secretAccessKey: 'SK' });
    const opened = openStore({ kind: 'url', url, region: 'us-east-1', credentials });
    await expect(opened).rejects.toMatchObject({ code: 'USAGE' });
    await expect(opened).rejects.not.toThrow('secret');
  });
});

describe('a listing', () => {
  it('reads keys as they are, whether or not the server encodes them', async () => {
    const contents = (key: string): string =>
      `<Contents><Key>${key}</Key><Size>3</Size><ETag>&#34;abc&quot;</ETag></Contents>`;
    await using fake = await startFakeS3((answer, { query }) =>
      answer.end(
        query.has('continuation-token')
          ? `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${contents('data/a+b%2Bc%26')}</ListBucketResult>`
          : `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>${contents(' 01&amp;lt;+%2B ')}</ListBucketResult>`,
      ),
    );
    expect(await collect(fake.store.list(prefix, signal))).toEqual([
      { key: ' 01&lt;+%2B ', size: 3, etag: 'abc' },
      { key: 'data/a b+c&', size: 3, etag: 'abc' },
    ]);
    expect(fake.seen[1]?.query.get('continuation-token')).toBe('t&1');
  });

  it('that cannot go on is an error, never a short list', async () => {
    await using fake = await startFakeS3(answer =>
      answer.end('<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>'),
    );
    await expect(collect(fake.store.list(prefix, signal))).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
    });
  });
});

it('signs for AWS in the bucket-owning partition without asking anything at the start', () => {
  const store = createS3Store({
    name: 'Amazon S3 (cn-north-1)',
    region: 'cn-north-1',
    credentials: () => Promise.reject(new Error('not yet')),
  });
  expect(store.name).toBe('Amazon S3 (cn-north-1)');
  return store.close();
});
