/** An S3 fault in words: the value that was wrong, what was expected, the way out. */

import { asOptmlError, OptmlError } from '../../errors.js';
import { changed } from '../file-object.js';
import type { ObjectAddress } from '../port.js';
import type { S3Endpoint } from './client.js';
import { S3Fault } from './fault.js';

export interface Attempted {
  /** What was tried, as `read`, `list`, `write`. */
  readonly verb: 'list' | 'read' | 'write' | 'abandon' | 'remove' | 'look for';
  readonly address: ObjectAddress;
  /** The KMS key that the request asked for. */
  readonly kmsKeyId?: string | undefined;
}

/** Turns whatever a request threw into an OptmlError; what is one already, and reasons of signals, go through. */
export function explain(thrown: unknown, endpoint: S3Endpoint, attempted: Attempted): unknown {
  if (!(thrown instanceof S3Fault)) return thrown;
  const { kind, status, code } = thrown;
  const { bucket } = attempted.address;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO') return asOptmlError(thrown.cause);
  if (kind === 'unreachable') return unreachable(thrown, endpoint, attempted);
  if (thrown.location !== undefined && kind === 'final') return redirected(thrown, endpoint, thrown.location);
  if (code === 'NoSuchBucket')
    return new OptmlError(
      'BUCKET_MISSING',
      `Bucket "${bucket}" does not exist in ${endpoint.name}: make it with aws s3 mb s3://${bucket}${endpointFlag(endpoint)}.`,
      { cause: thrown },
    );
  if (attempted.verb === 'read' && status === 404) return changed(attempted.address, 'it is gone');
  if (attempted.verb === 'read' && (status === 412 || status === 416))
    return changed(attempted.address, 'it was replaced');
  if (code === 'RequestTimeTooSkewed') return skewed(thrown, endpoint);
  if (status === 401 || status === 403 || DENIALS.has(code)) return denied(thrown, endpoint, attempted);
  if (status === 501 && attempted.kmsKeyId !== undefined)
    return new OptmlError(
      'REQUEST_REFUSED',
      `${capital(endpoint.name)} cannot encrypt with the KMS key "${attempted.kmsKeyId}" (501 ${code}): expected a store with a KMS; take KmsKeyId out of the request, or set up a KMS there.`,
      { cause: thrown },
    );
  if (code === 'KeyTooLongError')
    return new OptmlError(
      'OBJECT_UNPLACEABLE',
      `${uriOf(attempted.address)} is too long a key for ${endpoint.name} (${thrown.message}): choose a shorter name.`,
      { cause: thrown },
    );
  return failed(thrown, endpoint, attempted);
}

/** Codes of refused credentials that may come with a 400. */
const DENIALS = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'InvalidTokenId',
  'TokenRefreshRequired',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'AccessDenied',
  'InvalidSecurity',
  'NotSignedUp',
  'AllAccessDisabled',
  // versitygw's word for an access key that it does not know.
  'XAdminUserNotFound',
]);

function unreachable(fault: S3Fault, endpoint: S3Endpoint, { verb, address }: Attempted): OptmlError {
  const where = `${endpoint.url ?? endpoint.name}${verb === 'read' ? ` to read ${uriOf(address)}` : ''}`;
  return new OptmlError(
    'STORE_UNREACHABLE',
    `No S3 server can be reached at ${where} (${fault.code}: ${sentence(fault.message)}): expected an S3-compatible server there; start it, or mend --store${endpoint.url?.startsWith('https:') === true ? ' or AWS_CA_BUNDLE' : ''}.`,
    { cause: fault },
  );
}

/** Signatures hold for one host, so a redirect cannot be followed blindly. */
function redirected(fault: S3Fault, endpoint: S3Endpoint, location: string): OptmlError {
  const target = URL.canParse(location, endpoint.url) ? new URL(location, endpoint.url).origin : location;
  return new OptmlError(
    'STORE_UNREACHABLE',
    `${capital(endpoint.name)} sends requests on to ${target} (${fault.status}): expected a server that answers them itself; set --store to ${target}.`,
    { cause: fault },
  );
}

function failed(fault: S3Fault, endpoint: S3Endpoint, attempted: Attempted): OptmlError {
  const what = `${attempted.verb} ${uriOf(attempted.address)}`;
  const said = `${fault.code}: ${sentence(fault.message)}`;
  const way =
    fault.code === 'BadBody'
      ? 'expected the bytes that the listing and the checksum tell of; look at the store and the network between'
      : fault.kind === 'again'
        ? 'expected an answer within the retries; look at the store and run it again'
        : fault.kind === 'region'
          ? `expected the bucket in region ${fault.region ?? 'unknown'}; set --region`
          : fault.code === 'AuthorizationHeaderMalformed'
            ? 'expected a signature for the region that the store calls its own; set --region to it'
            : 'expected it to take the request; look at the store, or use another one';
  return new OptmlError(
    'STORE_UNREACHABLE',
    `${capital(endpoint.name)} could not ${what} (${said}): ${way}.`,
    {
      cause: fault,
    },
  );
}

const UNKNOWN_KEY =
  'expected an access key that it knows; set AWS_ACCESS_KEY_ID or AWS_PROFILE to its own keys';

const WRONG_TOKEN =
  'expected the session token that belongs to the access key; set AWS_SESSION_TOKEN anew, or unset it for keys without one';

const WAYS_OUT: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: UNKNOWN_KEY,
  XAdminUserNotFound: UNKNOWN_KEY,
  SignatureDoesNotMatch:
    'expected the secret key that belongs to the access key; set AWS_SECRET_ACCESS_KEY or AWS_PROFILE anew',
  ExpiredToken: 'expected credentials that still hold; sign in again (aws sso login) or set new ones',
  InvalidToken: WRONG_TOKEN,
  // MinIO's word for it.
  InvalidTokenId: WRONG_TOKEN,
};

function denied(fault: S3Fault, endpoint: S3Endpoint, attempted: Attempted): OptmlError {
  const way =
    WAYS_OUT[fault.code] ??
    `expected credentials that may ${attempted.verb} it; grant them the right, or set AWS_PROFILE to others`;
  return new OptmlError(
    'STORE_DENIED',
    `${capital(endpoint.name)} refused to ${attempted.verb} ${uriOf(attempted.address)} (${fault.code}: ${sentence(fault.message)}): ${way}.`,
    { cause: fault },
  );
}

function skewed(fault: S3Fault, endpoint: S3Endpoint): OptmlError {
  const here = new Date().toUTCString();
  return new OptmlError(
    'STORE_DENIED',
    `${capital(endpoint.name)} refused the request because the clocks differ too much (RequestTimeTooSkewed: here ${here}, there ${fault.serverDate ?? 'unknown'}): expected less than 15 minutes between them; set this machine's clock.`,
    { cause: fault },
  );
}

function endpointFlag({ url }: S3Endpoint): string {
  return url === undefined ? '' : ` --endpoint-url ${url}`;
}

function uriOf({ bucket, key }: ObjectAddress): string {
  return `s3://${bucket}/${key}`;
}

function sentence(text: string): string {
  return text.trim().replace(/\.$/, '');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
