/** The user name and password with which a Docker engine pulls from a private ECR registry. */

import { OptmlError } from '../errors.js';
import type { CredentialSource } from './credentials.js';
import { callJsonService, JsonCallError } from './json-call.js';

export interface EcrRegistry {
  readonly account: string;
  readonly region: string;
}

const REGISTRY_HOST =
  /^(?<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws|amazonaws\.eu)$/;

/** What `ACCOUNT.dkr.ecr.REGION.amazonaws.com[.cn]` says; null for the host of any other registry. */
export function parseEcrHost(host: string): EcrRegistry | null {
  const { account, region } = REGISTRY_HOST.exec(host)?.groups ?? {};
  return account === undefined || region === undefined ? null : { account, region };
}

export interface EcrLoginOptions {
  /** The registry's host, as it stands in the image's name. */
  readonly host: string;
  readonly credentials: CredentialSource;
  readonly signal: AbortSignal;
  readonly ca?: string;
  readonly endpoint?: string;
}

export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

/**
 * `ecr:GetAuthorizationToken` in the registry's region; the answer holds for twelve hours.
 * Throws IMAGE_UNAVAILABLE when the host is not an ECR registry, or AWS gives no token.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
 */
export async function loginToEcr({ host, ...options }: EcrLoginOptions): Promise<RegistryLogin> {
  const registry = parseEcrHost(host);
  if (registry === null)
    throw new OptmlError(
      'IMAGE_UNAVAILABLE',
      `"${host}" is not an ECR registry: expected ACCOUNT.dkr.ecr.REGION.amazonaws.com; for another registry run docker login ${host}.`,
    );
  const answer = await requestToken({ ...options, host, region: registry.region });
  const [username, ...password] = Buffer.from(tokenIn(answer) ?? '', 'base64')
    .toString()
    .split(':');
  if (username === undefined || username === '' || password.length === 0)
    throw new OptmlError(
      'IMAGE_UNAVAILABLE',
      `ECR gave no usable login for ${host}: expected a base64 token of user:password; pull the image by hand and map it with --map-image.`,
    );
  return { username, password: password.join(':') };
}

async function requestToken({
  host,
  ...options
}: EcrLoginOptions & { readonly region: string }): Promise<unknown> {
  try {
    return await callJsonService({
      ...options,
      service: 'ecr',
      hostPrefix: 'api.ecr',
      target: 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
      input: {},
    });
  } catch (thrown) {
    options.signal.throwIfAborted();
    const said = thrown instanceof JsonCallError ? `${thrown.type}: ${thrown.message}` : String(thrown);
    throw new OptmlError(
      'IMAGE_UNAVAILABLE',
      `No login for ${host} could be had from ECR (${said}): expected credentials that may call ecr:GetAuthorizationToken; set them, or pull the image by hand and map it with --map-image.`,
      { cause: thrown },
    );
  }
}

function tokenIn(answer: unknown): string | undefined {
  const { authorizationData } = answer as {
    readonly authorizationData?: readonly { readonly authorizationToken?: string }[];
  };
  return authorizationData?.[0]?.authorizationToken;
}
