/** An S3 error as an answer. */

import type { IncomingMessage } from 'node:http';
import type { Answer } from './answer.js';
import type { S3Error } from './s3-error.js';
import { element, errorDocument } from './write-xml.js';

export function errorAnswer(
  error: S3Error,
  { id, message }: { readonly id: string; readonly message: IncomingMessage },
): Answer {
  const headers: Record<string, string> = {
    'content-type': 'application/xml',
    ...(error.code === 'InvalidRange' && error.details['ActualObjectSize'] !== undefined
      ? { 'content-range': `bytes */${error.details['ActualObjectSize']}` }
      : {}),
  };
  if (message.method === 'HEAD') return { status: error.status, headers };
  const body = errorDocument([
    element('Code', error.code),
    element('Message', error.message),
    ...Object.entries(error.details).map(([name, value]) => element(name, value)),
    element('Resource', message.url?.split('?')[0]),
    element('RequestId', id),
    element('HostId', id),
  ]);
  return { status: error.status, headers, body };
}
