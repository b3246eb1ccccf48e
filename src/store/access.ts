/** An S3 server before the store, whatever the store is: for a job's containers, and for `optml up`. */
import { randomBytes } from 'node:crypto';
import type { StoreChoice } from './open-store.js';
import type { StoreAccess } from './port.js';
import type { CallerKeys } from './server/caller.js';
import type { HttpShell, HttpShellOptions } from './server/http-shell.js';

/** Real AWS is never stood in for: its clients reach it themselves. */
export type ServedChoice = Exclude<StoreChoice, { kind: 'aws' }>;

/**
 * The way of a job's containers to its store: listens on `address`, which containers reach, and nowhere else, with keys of
 * the job's own. Throws what listening throws.
 */
export async function openAccess(
  choice: ServedChoice,
  { address, region }: { readonly address: string; readonly region: string },
): Promise<StoreAccess> {
  const accessKeyId = `OPTML${randomBytes(8).toString('hex').toUpperCase()}`;
  const secretAccessKey = randomBytes(30).toString('base64url');
  const server = await serveStore(choice, {
    keys: id => (id === accessKeyId ? { secretAccessKey } : null),
    region,
    hosts: [],
  });
  const { port } = await server.listen(address, 0);
  return { url: `http://${address}:${port}`, accessKeyId, secretAccessKey, close: () => server.close() };
}

/** Another S3 server is passed on to, signed with the store's own keys, so that callers never have those. */
export async function serveStore(
  choice: ServedChoice,
  options: {
    readonly keys: CallerKeys;
    readonly region: string;
    /** Names by which the server is called; addresses need none. */
    readonly hosts: readonly string[];
    readonly answersFirst?: HttpShellOptions['answersFirst'];
  },
): Promise<HttpShell> {
  if (choice.kind === 'embedded') {
    const { createS3Server } = await import('./server/s3-server.js');
    return createS3Server({ root: choice.folder, ...options });
  }
  const { createS3Relay } = await import('./server/s3-relay.js');
  const { url, credentials, ca } = choice;
  return createS3Relay({ url, credentials, ...(ca === undefined ? {} : { ca }), ...options });
}
