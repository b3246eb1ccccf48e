/** Who may call: the keys that the server knows, and what each of them may do. */

import type { OperationName } from './routes.js';

export interface Permission {
  readonly operation: OperationName;
  /** Empty for the list of buckets. */
  readonly bucket: string;
  readonly key: string;
}

export interface CallerKey {
  readonly secretAccessKey: string;
  /** When there is one, requests must carry it. */
  readonly sessionToken?: string;
  /** May the holder do this? Without it, everything. Asked for each object of a request that names several. */
  readonly may?: (permission: Permission) => boolean;
}

/** The key of that id as it is now; null for an unknown or revoked one. Asked for every request. */
export type CallerKeys = (accessKeyId: string) => CallerKey | null;

/** What the signature says of the body. */
export type Payload =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'hash'; /** SHA-256 in hex. */ readonly hash: string }
  /** `aws-chunked`; the signatures of the chunks go on from that of the request. */
  | { readonly kind: 'chunked'; readonly signing: ChunkSigning | null; readonly trailer: boolean };

export interface ChunkSigning {
  /** Signs in the request's scope. */
  readonly sign: (text: string) => string;
  /** `DATE\nSCOPE`, as in every text that is signed. */
  readonly scope: string;
  readonly seed: string;
}

export interface Caller {
  readonly accessKeyId: string;
  readonly key: CallerKey;
  readonly payload: Payload;
}
