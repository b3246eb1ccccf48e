/** The store that the settings ask for. */

import type { CredentialSource } from '../aws/credentials.js';
import { OptmlError } from '../errors.js';
import { mapStore } from './mapped.js';
import type { Mapping } from './mapping.js';
import type { Store } from './port.js';
import type { S3Endpoint } from './s3/client.js';

interface S3Access {
  readonly region: string;
  readonly credentials: CredentialSource;
  /** PEM certificates to trust instead of the system's, as the file in `AWS_CA_BUNDLE`. */
  readonly ca?: string;
}

export type StoreChoice =
  | { readonly kind: 'embedded'; /** An absolute path, `HOME/s3`. */ readonly folder: string }
  | ({ readonly kind: 'url'; readonly url: string } & S3Access)
  | ({ readonly kind: 'aws' } & S3Access);

/**
 * Opens a store with the maps before it. Nothing is asked of it yet, so it need not be reachable.
 * Throws USAGE when the URL is none of http or https.
 */
export async function openStore(choice: StoreChoice, maps: readonly Mapping[] = []): Promise<Store> {
  return mapStore(await openInner(choice), maps);
}

async function openInner(choice: StoreChoice): Promise<Store> {
  // Loading takes its time: only what is used.
  if (choice.kind === 'embedded') {
    const { createEmbeddedStore } = await import('./embedded/embedded-store.js');
    return createEmbeddedStore(choice.folder);
  }
  const endpoint = endpointOf(choice);
  const { createS3Store } = await import('./s3/s3-store.js');
  return createS3Store(endpoint);
}

function endpointOf(choice: Exclude<StoreChoice, { kind: 'embedded' }>): S3Endpoint {
  const { region, credentials, ca } = choice;
  const access = { region, credentials, ...(ca === undefined ? {} : { ca }) };
  if (choice.kind === 'aws') return { ...access, name: `Amazon S3 (${region})` };
  const url = httpUrl(choice.url);
  return { ...access, url, name: `the store at ${url}` };
}

/** Without what has no meaning in an endpoint: user, query, slash at the end. */
function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '')
    throw new OptmlError(
      'USAGE',
      `"${text.replace(/\/\/[^/]*@/, '//…@')}" is not a store: expected embedded, aws, or a URL such as http://127.0.0.1:9000.`,
    );
  return url.origin + url.pathname.replace(/\/+$/, '');
}
