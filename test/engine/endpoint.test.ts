import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { findEndpoint } from '../../src/engine/docker/endpoint.js';
import { ecrRepositoryTag, registryOf, withTag } from '../../src/engine/docker/image-reference.js';
import { credentialsFor } from '../../src/engine/docker/registry-credentials.js';
import { afterThis, scratch } from '../harness/optml.js';

async function contextIn(folder: string, name: string, host: string): Promise<void> {
  const id = createHash('sha256').update(name).digest('hex');
  await mkdir(join(folder, 'contexts/meta', id), { recursive: true });
  await writeFile(
    join(folder, 'contexts/meta', id, 'meta.json'),
    JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
  );
}

test('the flag goes before DOCKER_HOST, and that before a context', async () => {
  const DOCKER_CONFIG = await scratch();
  await contextIn(DOCKER_CONFIG, 'far', 'ssh://me@far');
  await writeFile(join(DOCKER_CONFIG, 'config.json'), JSON.stringify({ currentContext: 'far' }));
  const environment = { DOCKER_CONFIG, DOCKER_HOST: 'tcp://there:2375', dockerHost: 'unix:///mine.sock' };
  expect(findEndpoint(environment)).toMatchObject({ url: 'unix:///mine.sock', from: '--docker-host' });
  expect(findEndpoint({ ...environment, dockerHost: undefined })).toMatchObject({
    url: 'tcp://there:2375',
    from: 'DOCKER_HOST',
  });
  expect(findEndpoint({ DOCKER_CONFIG })).toMatchObject({
    url: 'ssh://me@far',
    from: 'the docker context "far"',
  });
});

test('DOCKER_CONTEXT names another, and one that is not there is said', async () => {
  const DOCKER_CONFIG = await scratch();
  await contextIn(DOCKER_CONFIG, 'near', 'unix:///near.sock');
  expect(findEndpoint({ DOCKER_CONFIG, DOCKER_CONTEXT: 'near' }).url).toBe('unix:///near.sock');
  expect(() => findEndpoint({ DOCKER_CONFIG, DOCKER_CONTEXT: 'nowhere' })).toThrow(
    /The docker context "nowhere" cannot be read/,
  );
});

test('TLS material is read where DOCKER_TLS_VERIFY asks for it', async () => {
  const folder = await scratch();
  for (const name of ['ca', 'cert', 'key']) await writeFile(join(folder, `${name}.pem`), `the ${name}`);
  const environment = { DOCKER_HOST: 'tcp://there:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder };
  expect(findEndpoint(environment).tls).toEqual({ ca: 'the ca', cert: 'the cert', key: 'the key' });
  expect(findEndpoint({ ...environment, DOCKER_TLS_VERIFY: '' }).tls).toBeUndefined();
});

test.each([
  ['ubuntu', 'docker.io'],
  ['me/image:tag', 'docker.io'],
  ['localhost/image', 'localhost'],
  ['registry:5000/a/b', 'registry:5000'],
  ['123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:b', '123456789012.dkr.ecr.eu-west-1.amazonaws.com'],
])('%s belongs to the registry %s', (reference, registry) => {
  expect(registryOf(reference)).toBe(registry);
});

test.each([
  ['123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/image:3', 'team/image:3'],
  ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/image', 'image:latest'],
  ['123456789012.dkr.ecr.eu-west-1.amazonaws.com/image@sha256:00', undefined],
  ['other.example.com/image:1', undefined],
])('%s is locally %s', (reference, local) => {
  expect(ecrRepositoryTag(reference)).toBe(local);
});

test('a pull without a tag asks for latest', () => {
  expect([withTag('a/b'), withTag('host:5000/a'), withTag('a:1'), withTag('a@sha256:0')]).toEqual([
    'a/b:latest',
    'host:5000/a:latest',
    'a:1',
    'a@sha256:0',
  ]);
});

test('credentials come from auths, from an identity token, or from nowhere', async () => {
  const folder = await scratch();
  const auths = {
    'https://index.docker.io/v1/': { auth: Buffer.from('me:pass:word').toString('base64') },
    'token.example.com': { identitytoken: 'abc' },
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths }));
  expect(await credentialsFor('docker.io', folder)).toEqual({
    username: 'me',
    password: 'pass:word',
    serveraddress: 'https://index.docker.io/v1/',
  });
  expect(await credentialsFor('token.example.com', folder)).toMatchObject({ identitytoken: 'abc' });
  expect(await credentialsFor('other.example.com', folder)).toBeUndefined();
});

test('credential helpers are asked, and one that fails or is missing knows nothing', async () => {
  const folder = await scratch();
  const helper = join(folder, 'docker-credential-mine');
  await writeFile(
    helper,
    '#!/bin/sh\nread host; [ "$host" = good.example.com ] || exit 1\necho \'{"Username":"me","Secret":"s"}\'\n',
  );
  await chmod(helper, 0o755);
  const credHelpers = {
    'good.example.com': 'mine',
    'bad.example.com': 'mine',
    'none.example.com': 'is-not-there',
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ credHelpers }));
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
  afterThis(() => Promise.resolve(void vi.unstubAllEnvs()));
  expect(await credentialsFor('good.example.com', folder)).toMatchObject({ username: 'me', password: 's' });
  expect(await credentialsFor('bad.example.com', folder)).toBeUndefined();
  expect(await credentialsFor('none.example.com', folder)).toBeUndefined();
});
