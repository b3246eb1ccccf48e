import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultCredentials, fixedCredentials } from '../../src/aws/credentials.js';
import { loginToEcr, parseEcrHost } from '../../src/aws/ecr-login.js';
import { domainOfRegion } from '../../src/aws/partition.js';
import { EMPTY_PAYLOAD } from '../../src/aws/payload-hash.js';
import { createS3Signer } from '../../src/aws/s3-signer.js';
import { createSigner } from '../../src/aws/signer.js';

const signal = new AbortController().signal;

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('the signer', () => {
  it('signs as the example of the S3 documentation', async () => {
    // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "GET Bucket (List Objects)"
    vi.useFakeTimers({ now: new Date('2013-05-24T00:00:00Z') });
    const sign = createSigner({
      service: 's3',
      credentials: fixedCredentials({
        accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
        secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      }),
    });
    const headers = await sign({
      method: 'GET',
      host: 'examplebucket.s3.amazonaws.com',
      path: '/',
      query: { 'max-keys': '2', prefix: 'J' },
      headers: { 'x-amz-content-sha256': EMPTY_PAYLOAD },
      region: 'us-east-1',
    });
    expect(headers['authorization']).toMatch(
      /Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7$/,
    );
  });
});

describe('the signer of the data path', () => {
  it('signs as the library does', async () => {
    vi.useFakeTimers({ now: new Date('2026-11-25T01:02:03.456Z') });
    const requests = [
      { method: 'GET', path: '/bucket/key', query: {}, headers: {} },
      {
        method: 'GET',
        path: '/bucket',
        query: { prefix: "a b+c/!'()*~ü&=", 'list-type': '2', 'x-id': '' },
        headers: {},
      },
      {
        method: 'PUT',
        path: '/b/%2E../a%20b//c/',
        query: { uploadId: 'a+b/=', partNumber: '2' },
        headers: {},
      },
      {
        method: 'PUT',
        path: '/b/k',
        query: {},
        headers: { 'content-type': '  text/plain;   x=y ', 'if-match': '"e"' },
      },
    ];
    for (const sessionToken of [undefined, 'to/ken=='])
      for (const region of ['us-east-1', 'eu-west-3'])
        for (const request of requests) {
          const source = fixedCredentials({
            accessKeyId: 'AK',
            secretAccessKey: 'SK',
            ...(sessionToken === undefined ? {} : { sessionToken }),
          });
          const full = {
            ...request,
            host: '127.0.0.1:9000',
            region,
            headers: { ...request.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
          };
          const expected = await createSigner({ service: 's3', credentials: source })(full);
          expect(await createS3Signer(source)(full)).toEqual(expected);
        }
  });
});

describe('the default chain', () => {
  it('takes the keys of the environment', async () => {
    vi.stubEnv('AWS_PROFILE', undefined);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AK');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'SK');
    vi.stubEnv('AWS_SESSION_TOKEN', 'ST');
    expect(await defaultCredentials()()).toMatchObject({
      accessKeyId: 'AK',
      secretAccessKey: 'SK',
      sessionToken: 'ST',
    });
  });

  it('says what is missing when it has none', async () => {
    for (const name of ['AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
      vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
    await expect(defaultCredentials()()).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('AWS_ACCESS_KEY_ID') as string,
    });
  });
});

describe('the login to ECR', () => {
  it('knows the hosts of its registries', () => {
    expect(parseEcrHost('123456789012.dkr.ecr.eu-west-1.amazonaws.com')).toEqual({
      account: '123456789012',
      region: 'eu-west-1',
    });
    expect(parseEcrHost('123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn')?.region).toBe('cn-north-1');
    for (const host of ['docker.io', 'public.ecr.aws', '1.dkr.ecr.eu-west-1.amazonaws.com', 'x.evil.com'])
      expect(parseEcrHost(host)).toBeNull();
  });

  it('asks for a token, and takes it apart', async () => {
    const token = Buffer.from('AWS:pass:word').toString('base64');
    const { login, seen } = await withEcr(200, { authorizationData: [{ authorizationToken: token }] });
    expect(login).toEqual({ username: 'AWS', password: 'pass:word' });
    expect(seen).toMatchObject({
      'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
      'content-type': 'application/x-amz-json-1.1',
      authorization: expect.stringContaining('/eu-west-1/ecr/aws4_request') as string,
    });
  });

  it('says why there is none', async () => {
    await expect(
      withEcr(400, { __type: 'com.amazonaws#AccessDeniedException', message: 'not you' }),
    ).rejects.toMatchObject({
      code: 'IMAGE_UNAVAILABLE',
      message: expect.stringContaining('AccessDeniedException: not you') as string,
    });
  });
});

async function withEcr(status: number, answer: unknown) {
  let seen: IncomingHttpHeaders = {};
  const server = createServer((request, response) => {
    seen = request.headers;
    response.writeHead(status).end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const login = await loginToEcr({
      host: '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
      credentials: fixedCredentials({ accessKeyId: 'AK', secretAccessKey: 'SK' }),
      signal,
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    return { login, seen };
  } finally {
    server.close();
  }
}

it('knows the domain of a region', () => {
  expect(['us-east-1', 'cn-north-1', 'us-isob-east-1', 'us-iso-east-1'].map(domainOfRegion)).toEqual([
    'amazonaws.com',
    'amazonaws.com.cn',
    'sc2s.sgov.gov',
    'c2s.ic.gov',
  ]);
});
