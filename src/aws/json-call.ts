/** One signed call of an AWS JSON 1.1 service. */

import { domainOfRegion } from './partition.js';
import type { CredentialSource } from './credentials.js';

export interface JsonCall {
  /** The signing name, as `ecr`. */
  readonly service: string;
  /** The host part before the region, as `api.ecr`. */
  readonly hostPrefix: string;
  readonly region: string;
  /** The value of `X-Amz-Target`, as `AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken`. */
  readonly target: string;
  readonly input: unknown;
  readonly credentials: CredentialSource;
  readonly signal: AbortSignal;
  /** PEM certificates to trust besides none other, as `AWS_CA_BUNDLE` names them. */
  readonly ca?: string;
  /** Where the service is, when not at AWS. */
  readonly endpoint?: string;
}

/** A service's own refusal: its error type and text. */
export class JsonCallError extends Error {
  override readonly name = 'JsonCallError';
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

const CONNECT_MS = 5_000;
const ANSWER_MS = 30_000;

/**
 * Sends the call once and returns the parsed answer.
 * Throws JsonCallError when the service refuses, else what the network or the source of credentials throws.
 */
export async function callJsonService(call: JsonCall): Promise<unknown> {
  const [{ Agent, request }, { createSigner }] = await Promise.all([import('undici'), import('./signer.js')]);
  const url = new URL(
    call.endpoint ?? `https://${call.hostPrefix}.${call.region}.${domainOfRegion(call.region)}`,
  );
  const body = JSON.stringify(call.input);
  const headers = await createSigner({ service: call.service, credentials: call.credentials })({
    method: 'POST',
    host: url.host,
    path: '/',
    query: {},
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': call.target },
    body,
    region: call.region,
  });
  const dispatcher = new Agent({
    connect: { timeout: CONNECT_MS, ...(call.ca === undefined ? {} : { ca: call.ca }) },
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS,
  });
  try {
    const answer = await request(url, { method: 'POST', headers, body, dispatcher, signal: call.signal });
    const text = await answer.body.text();
    if (answer.statusCode === 200) return JSON.parse(text) as unknown;
    throw refusal(answer.statusCode, text);
  } finally {
    await dispatcher.destroy();
  }
}

function refusal(status: number, text: string): JsonCallError {
  const fields = parseObject(text);
  const type = textOf(fields['__type']) ?? 'UnknownError';
  return new JsonCallError(
    status,
    type.slice(type.lastIndexOf('#') + 1),
    textOf(fields['message']) ?? textOf(fields['Message']) ?? `HTTP status ${status}`,
  );
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
