/**
 * Another S3 server behind ours: callers sign with keys that hold here, and what they ask is passed on under the store's
 * own. Bodies stream through; what was said of them (length, checksums, signatures of chunks) is held here, and a body that
 * is not what was said never ends well upstream.
 */

import { OptmlError } from '../../errors.js';
import { createPassOn, type PassedAnswer, type Upstream } from '../s3/pass-on.js';
import type { Answer } from './answer.js';
import { createAuthentication } from './authenticate.js';
import type { Caller, CallerKeys } from './caller.js';
import { createHttpShell, type HttpShell, type HttpShellOptions } from './http-shell.js';
import { relayBody } from './relayed-body.js';
import { readRequest, type S3Request, type ServedHost } from './request.js';
import { S3Error } from './s3-error.js';

/** S3's limit for one PUT. */
const LARGEST_BODY = 5 * 1024 ** 3;
const IDLE_MS = 60_000;

export function createS3Relay({
  keys,
  hosts,
  answersFirst,
  ...upstream
}: Upstream & {
  readonly keys: CallerKeys;
  readonly hosts: readonly ServedHost[];
  readonly answersFirst?: HttpShellOptions['answersFirst'];
}): HttpShell {
  const passOn = createPassOn(upstream);
  const authenticate = createAuthentication(keys);
  const shell = createHttpShell({
    answersFirst,
    async answerTo(message, proceed) {
      const request = readRequest(message, hosts);
      const caller = authenticate(request, Date.now());
      proceed();
      return answerOf(await pass(request, caller));
    },
  });

  async function pass(request: S3Request, caller: Caller): Promise<PassedAnswer> {
    const { method, bucket, key } = request;
    const common = { method, bucket, key, query: ownQuery(request), headers: ownHeaders(request) };
    const options = { request, payload: caller.payload, limit: LARGEST_BODY, idleMs: IDLE_MS };
    const hasBody = method === 'PUT' || method === 'POST';
    if (!hasBody) return explained(passOn.send({ ...common, body: null }), upstream.url);
    const relayed = relayBody(options);
    const headers = { ...common.headers, ...relayed.headers };
    if (relayed.body.payload !== undefined)
      headers['content-encoding'] = [headers['content-encoding'], 'aws-chunked'].filter(Boolean).join(',');
    // Whoever fails first says why; the other one only follows.
    const sending = explained(passOn.send({ ...common, headers, body: relayed.body }), upstream.url);
    sending.catch(() => relayed.abandon());
    const { reading } = relayed;
    const [read, sent] = await Promise.allSettled([reading, sending]);
    // An upstream that answers early, with an error, closes the stream: its answer is the one that counts.
    if (sent.status === 'fulfilled') return sent.value;
    throw read.status === 'rejected' && read.reason instanceof S3Error ? read.reason : sent.reason;
  }

  async function close(): Promise<void> {
    await shell.close();
    await passOn.close();
  }

  return { ...shell, close };
}

function answerOf({ status, headers, body }: PassedAnswer): Answer {
  const kept = Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.has(name));
  return { status, headers: Object.fromEntries(kept), body };
}

/** Names that belong to one connection or to us. */
const OF_THE_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'date',
  'server',
  'x-amz-request-id',
  'x-amz-id-2',
]);

/** What is passed on of a request's headers. */
function ownHeaders({ message }: S3Request): Record<string, string> {
  const kept = Object.entries(message.headers).filter(
    ([name]) => (name.startsWith('x-amz-') || PASSED.has(name)) && !OF_THE_SIGNATURE.has(name),
  );
  const headers = Object.fromEntries(kept.map(([name, value]) => [name, [value].flat().join(', ')]));
  const encoding = (headers['content-encoding'] ?? '')
    .split(/\s*,\s*/)
    .filter(part => part !== '' && part !== 'aws-chunked');
  delete headers['content-encoding'];
  return encoding.length === 0 ? headers : { ...headers, 'content-encoding': encoding.join(', ') };
}

const PASSED = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-md5',
  'content-type',
  'expires',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
  'range',
]);

const OF_THE_SIGNATURE = new Set([
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-decoded-content-length',
  // What it speaks of may come as a trailer: a body that is framed anew says it again.
  'x-amz-sdk-checksum-algorithm',
  'x-amz-security-token',
  'x-amz-trailer',
]);

function ownQuery({ query }: S3Request): Record<string, string> {
  const v2 = query.has('AWSAccessKeyId');
  const kept = [...query].filter(
    ([name]) =>
      !/^x-amz-(algorithm|credential|date|expires|signature|signedheaders|security-token|content-sha256)$/i.test(
        name,
      ) && !(v2 && ['AWSAccessKeyId', 'Signature', 'Expires'].includes(name)),
  );
  return Object.fromEntries(kept);
}

async function explained(sending: Promise<PassedAnswer>, url: string): Promise<PassedAnswer> {
  try {
    return await sending;
  } catch (thrown) {
    if (thrown instanceof OptmlError || thrown instanceof S3Error) throw thrown;
    throw new S3Error(
      'ServiceUnavailable',
      `The store at ${url} does not answer: ${(thrown as Error).message}`,
    );
  }
}
