/**
 * Every link of the AWS default chain, as a user sets it up: in the environment, in files, in a service next door. What it gives
 * must open a real server. Services of AWS are stood in for at the addresses that AWS's own variables name.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { afterThis, optml, scratch } from '../harness/optml.js';
import { channel, shellJob, writeRequest } from '../harness/requests.js';
import { pythonClients } from '../store/clients.js';
import { clientEnvironment, foundServer, sdkClient } from './subject.js';

const run = promisify(execFile);

const server = foundServer('MinIO');
const { accessKeyId, secretAccessKey } = server;
const LATER = '2036-01-01T00:00:00Z';

interface SessionKeys {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly SessionToken: string;
}

/** What the services of AWS give ends some day, so they give keys of a session. */
let session: SessionKeys;

beforeAll(async () => {
  const client = sdkClient(server);
  await client.send(new CreateBucketCommand({ Bucket: 'chain' }));
  await client.send(new PutObjectCommand({ Bucket: 'chain', Key: 'in/x', Body: 'x' }));
  client.destroy();
  const { stdout } = await run(
    pythonClients().aws,
    ['sts', 'assume-role', '--role-arn', 'arn:aws:iam::000000000000:role/any', '--role-session-name', 'test'],
    { env: clientEnvironment(server) },
  );
  session = (JSON.parse(stdout) as { Credentials: SessionKeys }).Credentials;
});

/** The answer of the services that give keys to a container and to a machine. */
function roleKeys(): Record<string, string> {
  const { SessionToken, ...keys } = session;
  return { ...keys, Token: SessionToken, Expiration: LATER };
}

/** A plan reads the store, and needs no engine. */
async function planned(
  environment: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number | null; readonly stderr: string }> {
  const home = await scratch('chain');
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), text);
  }
  const request = shellJob('true', {
    InputDataConfig: [channel('c', 's3://chain/in/')],
    OutputDataConfig: { S3OutputPath: 's3://chain/out' },
  });
  const file = await writeRequest(home, request);
  const env = { HOME: home, AWS_EC2_METADATA_DISABLED: 'true', ...environment };
  const { status, stderr } = await optml(['plan', file, '--store', server.url], { home, env });
  return { status, stderr };
}

const OPEN = { status: 0, stderr: '' };

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A service that answers JSON; null is a 404. */
async function service(answerTo: (asked: Asked) => unknown): Promise<string> {
  const standIn = createServer((message, answer) => {
    const pieces: Buffer[] = [];
    message.on('data', (piece: Buffer) => pieces.push(piece));
    message.on('end', () => {
      const { method = '', url: path = '', headers } = message;
      const said = answerTo({ method, path, headers, body: Buffer.concat(pieces).toString() });
      answer.writeHead(said === null ? 404 : 200, { 'content-type': 'application/json' });
      answer.end(typeof said === 'string' ? said : JSON.stringify(said));
    });
  }).listen(0, '127.0.0.1');
  await once(standIn, 'listening');
  afterThis(async () => {
    standIn.closeAllConnections();
    standIn.close();
    await once(standIn, 'close');
  });
  return `http://127.0.0.1:${(standIn.address() as AddressInfo).port}`;
}

describe('credentials', () => {
  it('of the environment open the store', async () => {
    expect(await planned({ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey })).toEqual(
      OPEN,
    );
  });

  it('of the environment go before a profile, as with the AWS CLI', async () => {
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    const credentials = '[other]\naws_access_key_id = no\naws_secret_access_key = no\n';
    expect(await planned({ AWS_PROFILE: 'other', ...keys }, { '.aws/credentials': credentials })).toEqual(
      OPEN,
    );
  });

  const KEY_LINES = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;

  it('of the default profile, and of a named one, open the store', async () => {
    expect(await planned({}, { '.aws/credentials': `[default]\n${KEY_LINES}` })).toEqual(OPEN);
    expect(
      await planned(
        { AWS_PROFILE: 'work' },
        {
          '.aws/credentials': `[default]\naws_access_key_id = no\naws_secret_access_key = no\n[work]\n${KEY_LINES}`,
        },
      ),
    ).toEqual(OPEN);
    expect(
      await planned(
        { AWS_PROFILE: 'work', AWS_CONFIG_FILE: 'elsewhere' },
        { elsewhere: `[profile work]\n${KEY_LINES}` },
      ),
    ).toEqual(OPEN);
  });

  it('of a process open the store', async () => {
    const answer = JSON.stringify({ Version: 1, ...session, Expiration: LATER });
    expect(
      await planned(
        { AWS_PROFILE: 'process' },
        {
          '.aws/config': "[profile process]\ncredential_process = cat 'answer.json'\n",
          'answer.json': answer,
        },
      ),
    ).toEqual(OPEN);
  });

  it('of a role that a profile assumes open the store', async () => {
    const config = `[profile base]\n${KEY_LINES}[profile role]\nrole_arn = arn:aws:iam::000000000000:role/any\nsource_profile = base\nregion = us-east-1\n`;
    expect(
      await planned({ AWS_PROFILE: 'role', AWS_ENDPOINT_URL_STS: server.url }, { '.aws/config': config }),
    ).toEqual(OPEN);
  });

  it('of a container open the store', async () => {
    const url = await service(({ path, headers }) =>
      path === '/role' && headers.authorization === 'let me in' ? roleKeys() : null,
    );
    const environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/role` };
    expect(await planned({ ...environment, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'let me in' })).toEqual(OPEN);
    expect(
      await planned(
        { ...environment, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: 'token' },
        { token: 'let me in' },
      ),
    ).toEqual(OPEN);
  });

  it("of a machine's role open the store", async () => {
    const url = await service(({ method, path, headers }) => {
      if (method === 'PUT' && path === '/latest/api/token') return 'session';
      if (headers['x-aws-ec2-metadata-token'] !== 'session') return null;
      if (path === '/latest/meta-data/iam/security-credentials/') return 'role';
      if (path === '/latest/meta-data/iam/security-credentials/role')
        return { Code: 'Success', Type: 'AWS-HMAC', ...roleKeys(), LastUpdated: LATER };
      return null;
    });
    expect(
      await planned({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: url }),
    ).toEqual(OPEN);
  });

  const cacheOf = (name: string): string =>
    `.aws/sso/cache/${createHash('sha1').update(name).digest('hex')}.json`;
  const ROLE_LINES = 'sso_account_id = 000000000000\nsso_role_name = reader\n';
  const SESSION = `[profile sso]\nsso_session = corp\n${ROLE_LINES}[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\nsso_registration_scopes = sso:account:access\n`;

  const portalKeys = (): Record<string, unknown> => ({
    accessKeyId: session.AccessKeyId,
    secretAccessKey: session.SecretAccessKey,
    sessionToken: session.SessionToken,
    expiration: Date.parse(LATER),
  });

  /** The portal gives keys for the token that holds. */
  const portal = (): Promise<string> =>
    service(({ path, headers }) =>
      path.startsWith('/federation/credentials') && headers['x-amz-sso_bearer_token'] === 'holds'
        ? {
            roleCredentials: portalKeys(),
          }
        : null,
    );

  it('of a sign-in open the store, in the old form of its profile and in the new one', async () => {
    const environment = { AWS_PROFILE: 'sso', AWS_ENDPOINT_URL_SSO: await portal() };
    const token = JSON.stringify({ accessToken: 'holds', expiresAt: LATER, region: 'us-east-1' });
    const old = `[profile sso]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\n${ROLE_LINES}`;
    expect(
      await planned(environment, {
        '.aws/config': old,
        [cacheOf('https://corp.awsapps.com/start')]: token,
      }),
    ).toEqual(OPEN);
    expect(await planned(environment, { '.aws/config': SESSION, [cacheOf('corp')]: token })).toEqual(OPEN);
  });

  it('of a sign-in whose token has ended are renewed', async () => {
    const oidc = await service(({ path, body }) =>
      path === '/token' && (JSON.parse(body) as { refreshToken?: string }).refreshToken === 'again'
        ? { accessToken: 'holds', expiresIn: 28_800, refreshToken: 'again', tokenType: 'Bearer' }
        : null,
    );
    const token = JSON.stringify({
      accessToken: 'ended',
      expiresAt: '2026-01-01T00:00:00Z',
      refreshToken: 'again',
      clientId: 'id',
      clientSecret: 'secret',
      registrationExpiresAt: LATER,
    });
    expect(
      await planned(
        { AWS_PROFILE: 'sso', AWS_ENDPOINT_URL_SSO: await portal(), AWS_ENDPOINT_URL_SSO_OIDC: oidc },
        { '.aws/config': SESSION, [cacheOf('corp')]: token },
      ),
    ).toEqual(OPEN);
  });
});

describe('without credentials', () => {
  it.each([
    ['nothing set', {}, {}, /AWS_ACCESS_KEY_ID/],
    ['a profile that is not there', { AWS_PROFILE: 'absent' }, {}, /absent/],
    [
      'a process that fails',
      { AWS_PROFILE: 'process' },
      { '.aws/config': '[profile process]\ncredential_process = false\n' },
      /process/,
    ],
    [
      'a sign-in that never was',
      { AWS_PROFILE: 'sso' },
      {
        '.aws/config':
          '[profile sso]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 000000000000\nsso_role_name = reader\n',
      },
      /aws sso login/,
    ],
  ])(
    'nothing is begun with %s, and one sentence says what is missing',
    async (_what, environment, files, words) => {
      const { status, stderr } = await planned(environment, files);
      expect(status).toBe(3);
      expect(stderr).toMatch(words);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    },
  );
});
