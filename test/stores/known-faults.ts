/**
 * What S3 servers of others are known to do wrong: the one table of it. Each row is asserted: a test fails when its server no
 * longer has the fault, or shows it otherwise. The embedded store has no row.
 */

import type { Limits } from '../store/contract.js';
import { ODD_KEYS } from '../store/contract.js';
import type { Client, StoreName } from './subject.js';

export interface KnownFault {
  readonly stores: readonly StoreName[];
  /** What the server does wrong. */
  readonly does: string;
  /** The name of the check, and how it fails in the hands of each client that it concerns. */
  readonly check: string;
  readonly shows: Readonly<Partial<Record<Client, RegExp>>>;
}

const MINIO: readonly StoreName[] = ['MinIO', 'optml up before MinIO'];

export const KNOWN_FAULTS: readonly KnownFault[] = [
  {
    stores: MINIO,
    does: 'lists the open uploads of one whole key only, none below a prefix',
    check: 'open uploads are listed',
    shows: { 'SDK for JavaScript': /expected \[\] to match/, ...boto3(/^AssertionError: \[\] instead of/) },
  },
  {
    stores: [...MINIO, 'versitygw'],
    does: 'takes no blank between the names of x-amz-object-attributes',
    check: 'attributes of an object',
    shows: { 'SDK for JavaScript': /Invalid attribute name specified/ },
  },
  {
    stores: MINIO,
    does: 'takes no key with an empty part, "." or ".."',
    check: 'keys that are no paths',
    shows: boto3(/XMinioInvalidObjectName/),
  },
  {
    stores: MINIO,
    does: 'does not list the keys below a key that is an object',
    check: 'a key beside keys below it',
    shows: boto3(/\['beside'\] instead of \['beside', 'beside\/x'\]/),
  },
  {
    stores: MINIO,
    does: 'encrypts nothing without a KMS, and says so',
    check: 'encryption that is asked for',
    shows: boto3(/NotImplemented.*KMS is not configured/),
  },
  {
    stores: MINIO,
    does: 'encrypts nothing without a KMS, and says so',
    check: 'encryption with a kms key',
    shows: boto3(/NotImplemented.*KMS is not configured/),
  },
  {
    stores: MINIO,
    does: 'takes no letters beyond ASCII in a tag',
    check: 'tags',
    shows: boto3(/InvalidTag/),
  },
  {
    stores: ['versitygw'],
    does: 'keeps "aws-chunked" as a content encoding',
    check: 'a stream leaves no word of its framing',
    shows: { 'SDK for JavaScript': /'gzip,aws-chunked' to be 'gzip'/ },
  },
  {
    stores: ['versitygw'],
    does: 'takes no key that is not the path of a file',
    check: 'keys that are no paths',
    shows: boto3(/ExistingObjectIsDirectory/),
  },
  {
    stores: ['versitygw'],
    does: 'takes no key below a key that is an object',
    check: 'a key beside keys below it',
    shows: boto3(/ObjectParentIsFile/),
  },
  {
    stores: ['versitygw'],
    does: 'drops the wish for encryption without a word',
    check: 'encryption that is asked for',
    shows: boto3(/None instead of 'AES256'/),
  },
  {
    stores: ['versitygw'],
    does: 'drops the wish for encryption without a word',
    check: 'encryption with a kms key',
    shows: boto3(/None instead of 'aws:kms'/),
  },
  {
    stores: ['versitygw'],
    does: 'looks at the sizes of parts before their order',
    check: 'wrong completions are refused',
    shows: boto3(/refused with EntityTooSmall instead of InvalidPartOrder/),
  },
  {
    stores: ['versitygw'],
    does: 'says what it deleted though it was told to be quiet',
    check: 'deletes of many',
    shows: boto3(/\[\{'Key': 'many\/quiet'\}\] instead of \[\]/),
  },
  {
    stores: ['versitygw'],
    does: 'does not know signatures of version 2',
    check: 'presigned urls of version 2',
    shows: boto3(/HTTP Error 400/),
  },
  {
    stores: ['versitygw'],
    does: 'does not know signatures of version 2, which the CLI presigns with',
    check: 'presign',
    shows: { 'AWS CLI': /<\?xml/ },
  },
  {
    stores: ['versitygw'],
    does: 'has a code of its own for an unknown access key',
    check: 'wrong and missing keys are refused',
    shows: boto3(/refused with XAdminUserNotFound instead of InvalidAccessKeyId/),
  },
  ...(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const).map((algorithm): KnownFault => ({
    stores: ['Swift'],
    does: 'holds checksums, and forgets them',
    check: `${algorithm} of a buffer and of a stream`,
    shows: { 'SDK for JavaScript': /expects to receive a string, but got undefined/ },
  })),
  {
    stores: ['Swift'],
    does: 'holds checksums, and forgets them',
    check: 'checksums',
    shows: boto3(/None instead of '/),
  },
  {
    stores: ['Swift'],
    does: 'has no tags',
    check: 'tags',
    shows: {
      'SDK for JavaScript': /Object tagging is not supported/,
      ...boto3(/Object tagging is not supported/),
    },
  },
  {
    stores: ['Swift'],
    does: 'does not know GetObjectAttributes: it gives the object',
    check: 'attributes of an object',
    shows: {
      'SDK for JavaScript': /XML parse error/,
      boto3: /GetObjectAttributes operation/,
      'boto3 1.26': /ResponseParserError.*invalid XML/,
    },
  },
  {
    stores: ['Swift'],
    does: 'dates every bucket 2009-02-03',
    check: 'dates of buckets',
    shows: boto3(/False instead of True/),
  },
  {
    stores: ['Swift'],
    does: 'encrypts nothing, and says so',
    check: 'encryption that is asked for',
    shows: boto3(/Server-side encryption is not supported/),
  },
  {
    stores: ['Swift'],
    does: 'encrypts nothing, and says so',
    check: 'encryption with a kms key',
    shows: boto3(/Server-side encryption is not supported/),
  },
  {
    stores: ['Swift'],
    does: 'knows If-None-Match: * for a write, and no If-Match',
    check: 'replacing what is known',
    shows: boto3(/Conditional object PUTs are not supported/),
  },
  {
    stores: ['Swift'],
    does: 'does not tell an unknown access key from a wrong secret',
    check: 'wrong and missing keys are refused',
    shows: boto3(/refused with SignatureDoesNotMatch instead of InvalidAccessKeyId/),
  },
];

/** The same in both versions. */
function boto3(shows: RegExp): KnownFault['shows'] {
  return { boto3: shows, 'boto3 1.26': shows };
}

/** Objects are files at the path of their key, so a path that a file system resolves or refuses is no key. */
const NO_PATHS = ODD_KEYS.filter(key =>
  key
    .split('/')
    .some(
      (part, index, parts) =>
        ['.', '..'].includes(part) ||
        (part === '' && index < parts.length - 1) ||
        Buffer.byteLength(part) > 255,
    ),
);

/** Keys that a server does not take, and whether "a" may lie beside "a/b". */
export const KEY_LIMITS: Readonly<Record<StoreName, Limits>> = {
  embedded: { refusedKeys: [], besideIsFile: 'kept' },
  'embedded over S3': { refusedKeys: [], besideIsFile: 'kept' },
  MinIO: { refusedKeys: NO_PATHS, besideIsFile: 'hidden' },
  versitygw: { refusedKeys: NO_PATHS, besideIsFile: 'refused' },
  Swift: { refusedKeys: [], besideIsFile: 'kept' },
  'optml up before MinIO': { refusedKeys: [], besideIsFile: 'kept' },
};
