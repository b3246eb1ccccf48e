/** The stores under test, and how their tests are named and judged. */

import { S3Client } from '@aws-sdk/client-s3';
import { inject, it, expect } from 'vitest';
import type { S3Address } from '../store/server-program.js';
import { KNOWN_FAULTS } from './known-faults.js';
import type { FoundServer } from './set-up.js';

export type ServerName = 'MinIO' | 'versitygw' | 'Swift';
export type StoreName = ServerName | 'embedded' | 'embedded over S3' | 'optml up before MinIO';
export type Client = 'boto3' | 'boto3 1.26' | 'AWS CLI' | 'SDK for JavaScript';

export function foundServer(name: ServerName): FoundServer {
  const found = inject('servers').find(server => server.name === name);
  if (found === undefined) throw new Error(`${name} was not started`);
  return found;
}

const silent = () => undefined;

/** A client that says nothing itself: the SDK warns of every request without a body, hundreds of times. */
export function sdkClient(
  { url, region, accessKeyId, secretAccessKey }: S3Address,
  { keepAlive = true }: { readonly keepAlive?: boolean } = {},
): S3Client {
  return new S3Client({
    requestHandler: { httpAgent: { keepAlive } },
    endpoint: url,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
}

const seen = new Set<string>();

/** After all suites of a store: a row of the table that names no check of theirs would assert nothing. */
export function everyFaultIsJudged(store: StoreName): void {
  it('every known fault of it names a check', () => {
    const named = KNOWN_FAULTS.filter(row => row.stores.includes(store)).flatMap(row =>
      Object.keys(row.shows).map(client => `${store}: ${client}: ${row.check}`),
    );
    expect(named.filter(name => !seen.has(name))).toEqual([]);
  });
}

/** A test of one check, which must pass; or fail in the known way, where a fault of the server is known. */
export function judged(
  { store, client, check }: { readonly store: StoreName; readonly client: Client; readonly check: string },
  work: () => Promise<void>,
): void {
  const fault = KNOWN_FAULTS.find(
    row => row.stores.includes(store) && row.check === check && row.shows[client] !== undefined,
  );
  const shows = fault?.shows[client];
  seen.add(`${store}: ${client}: ${check}`);
  if (fault === undefined || shows === undefined) it(check, work);
  else
    it(`${check}: known fault, it ${fault.does}`, async () => {
      await expect(work()).rejects.toThrow(shows);
    });
}

/** All that a client needs to be told of a store, and nothing of this machine's user. */
export function clientEnvironment({
  url,
  region,
  accessKeyId,
  secretAccessKey,
}: S3Address): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
  };
}
