/** Where AWS credentials come from: the environment, the rest of the default chain of the AWS SDKs, or a fixed pair. */

import { OptmlError } from '../errors.js';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When they end; absent for long-lived keys. */
  readonly expiration?: Date;
}

/** Gives the credentials that hold now. `forceRefresh` asks the source again, for a server that calls them expired. */
export type CredentialSource = (options?: { readonly forceRefresh?: boolean }) => Promise<AwsCredentials>;

export function fixedCredentials(credentials: AwsCredentials): CredentialSource {
  return () => Promise.resolve(credentials);
}

/**
 * As the AWS CLI and boto3 choose: keys in the environment first, also where AWS_PROFILE is set; then the profile, or the
 * rest of the chain. (The chain of the SDK for JavaScript alone would take the profile before the keys.)
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
export function credentialsOf(
  environment: Readonly<Record<string, string | undefined>>,
  { region }: { readonly region: string },
): CredentialSource {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId = '',
    AWS_SECRET_ACCESS_KEY: secretAccessKey = '',
    AWS_SESSION_TOKEN: sessionToken = '',
    AWS_PROFILE: profile = '',
  } = environment;
  if (accessKeyId !== '' && secretAccessKey !== '')
    return fixedCredentials({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === '' ? {} : { sessionToken }),
    });
  return defaultCredentials({ region, ...(profile === '' ? {} : { profile }) });
}

export interface DefaultChainOptions {
  /** A profile of `~/.aws/config`; without it the chain decides (`AWS_PROFILE`, `default`). */
  readonly profile?: string;
  /** The region in which the chain asks STS and SSO when the profile names none. */
  readonly region?: string;
}

/**
 * The AWS default chain: environment, profiles, SSO, web identity, process, container, instance metadata.
 * Nothing is loaded or asked before the first call; answers are kept, and renewed five minutes before they end.
 * Throws STORE_DENIED when no link of the chain has credentials.
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
export function defaultCredentials(options: DefaultChainOptions = {}): CredentialSource {
  let chain: Promise<CredentialSource> | undefined;
  return async request => {
    try {
      return await (
        await (chain ??= loadChain(options))
      )(request);
    } catch (thrown) {
      throw noCredentials(thrown, options.profile);
    }
  };
}

async function loadChain({ profile, region }: DefaultChainOptions): Promise<CredentialSource> {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  const provider = defaultProvider({
    logger: SILENT,
    ...(profile === undefined ? {} : { profile }),
    ...(region === undefined ? {} : { parentClientConfig: { region } }),
  });
  return async request => provider(request?.forceRefresh === true ? { forceRefresh: true } : undefined);
}

/** The chain would write its warnings with console.warn. */
const SILENT = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // Warnings of the chain are about its own choice among sources.
}

function noCredentials(thrown: unknown, profile: string | undefined): OptmlError {
  const reason = (thrown instanceof Error ? thrown.message : String(thrown)).replace(/[.\s]+$/, '');
  const message =
    profile === undefined
      ? `No AWS credentials were found (${reason}): expected them in the AWS default chain, so set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run aws sso login.`
      : `No AWS credentials were found in the profile "${profile}" (${reason}): expected keys, a role, a process or a sign-in that works in ~/.aws/config or ~/.aws/credentials; look with aws configure list --profile ${profile}, or run aws sso login --profile ${profile}.`;
  return new OptmlError('STORE_DENIED', message, { cause: thrown });
}
