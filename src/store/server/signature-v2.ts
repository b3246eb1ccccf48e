/** Presigned URLs of Signature V2, which boto3 and the AWS CLI still make in us-east-1. */

import { createHmac } from 'node:crypto';
import { headerOf, type S3Request } from './request.js';
import { S3Error } from './s3-error.js';
import { sameText } from './signature-v4.js';

/** Queries that are part of what is signed: https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html */
const SIGNED_QUERIES: readonly string[] = [
  'accelerate',
  'acl',
  'analytics',
  'cors',
  'defaultObjectAcl',
  'delete',
  'inventory',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'partNumber',
  'policy',
  'replication',
  'requestPayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'restore',
  'select',
  'select-type',
  'storageClass',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
];

/** Throws SignatureDoesNotMatch. */
export function verifyPresignedV2(request: S3Request, secretAccessKey: string): void {
  const text = [
    request.method,
    said(request, 'content-md5'),
    said(request, 'content-type'),
    request.query.get('Expires') ?? '',
    amzHeaders(request) + resource(request),
  ].join('\n');
  const expected = createHmac('sha1', secretAccessKey).update(text, 'latin1').digest('base64');
  if (sameText(expected, request.query.get('Signature')?.replaceAll(' ', '+') ?? '')) return;
  throw new S3Error('SignatureDoesNotMatch', undefined, {
    details: { AWSAccessKeyId: request.query.get('AWSAccessKeyId') ?? '', StringToSign: text },
  });
}

/** boto3 moves headers that it signed into the query. */
function said(request: S3Request, name: string): string {
  return headerOf(request, name) ?? request.query.get(name) ?? '';
}

function amzHeaders(request: S3Request): string {
  const names = [...Object.keys(request.message.headers), ...request.query.keys()]
    .filter(name => name.startsWith('x-amz-'))
    .sort();
  return [...new Set(names)].map(name => `${name}:${said(request, name).trim()}\n`).join('');
}

function resource({ rawPath, query, virtualHost, bucket }: S3Request): string {
  const signed = SIGNED_QUERIES.filter(name => query.has(name)).map(name => {
    const value = query.get(name) ?? '';
    return value === '' ? name : `${name}=${value}`;
  });
  const path = virtualHost ? `/${bucket}${rawPath}` : rawPath;
  return signed.length === 0 ? path : `${path}?${signed.join('&')}`;
}
