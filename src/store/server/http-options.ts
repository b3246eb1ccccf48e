/** How long and how much the HTTP part of an S3 server takes of a client. */

import type { ServerOptions } from 'node:http';

export interface S3ServerLimits {
  /** The longest wait for a client to send or to take something, in milliseconds. */
  readonly idleMs: number;
  /** For all headers of a request. */
  readonly headersMs: number;
  readonly headerBytes: number;
  /** How long a connection without a request stays open. */
  readonly keepAliveMs: number;
}

export const LIMITS: S3ServerLimits = {
  idleMs: 60_000,
  headersMs: 20_000,
  headerBytes: 32 * 1024,
  keepAliveMs: 60_000,
};

export function httpOptions({ headersMs, headerBytes, keepAliveMs }: S3ServerLimits): ServerOptions {
  return {
    maxHeaderSize: headerBytes,
    headersTimeout: headersMs,
    // A large body may take as long as it takes, as long as it goes on.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: Math.min(headersMs, 5_000),
    requireHostHeader: false,
  };
}
