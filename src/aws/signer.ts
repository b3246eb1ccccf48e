/** Signature Version 4 of HTTP requests, with the signing key of the day kept. */

import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { CredentialSource } from './credentials.js';

export interface SignableRequest {
  readonly method: string;
  /** With the port where it is not the scheme's own. */
  readonly host: string;
  /** Percent-encoded already, and signed as it is sent. */
  readonly path: string;
  /** Not encoded. */
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names; `host` is added. `x-amz-content-sha256`, when there, is taken for the hash of the body. */
  readonly headers: Readonly<Record<string, string>>;
  /** Hashed into the signature unless `x-amz-content-sha256` is there. */
  readonly body?: string;
  readonly region: string;
}

/** Returns all headers to send: those given, `host`, the date, the token of the session and the signature. */
export type Signer = (request: SignableRequest) => Promise<Record<string, string>>;

export interface SignerOptions {
  /** The service's signing name, as `ecr` or `s3`. */
  readonly service: string;
  readonly credentials: CredentialSource;
}

/**
 * A signer for one service. Throws what the source of credentials throws.
 * S3 takes the path as it is sent; every other service signs it escaped once more.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function createSigner({ service, credentials }: SignerOptions): Signer {
  const signature = new SignatureV4({
    service,
    // Every request names its own region; this one is never used.
    region: 'us-east-1',
    credentials: () => credentials(),
    sha256: Sha256,
    uriEscapePath: service !== 's3',
  });
  return async ({ method, host, path, query, headers, body, region }) => {
    const signed = await signature.sign(
      {
        method,
        protocol: 'https:',
        hostname: host,
        path,
        query: { ...query },
        headers: { ...headers, host },
        ...(body === undefined ? {} : { body }),
      },
      { signingRegion: region },
    );
    return signed.headers;
  };
}

type Hashing = ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

/** The hash, or with a secret the HMAC, in the form that the signing library asks for. */
class Sha256 {
  readonly #secret: string | Uint8Array | undefined;
  #hash: Hashing;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined || typeof secret === 'string' ? secret : asBytes(secret);
    this.#hash = this.#start();
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#start();
  }

  #start(): Hashing {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret);
  }
}

function asBytes(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
