/** An S3 server before the store, whatever the store is: for a job's containers, and for `optml up`. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StoreChoice } from './open-store.js';
import type { StoreAccess } from './port.js';
import type { CallerKeys } from './server/caller.js';
import { httpOptions, LIMITS } from './server/http-options.js';
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
  const options = {
    keys: (id: string) => (id === accessKeyId ? { secretAccessKey } : null),
    region,
    hosts: [],
  };
  // Most jobs never ask: what answers is loaded for the first one that does.
  let loading: Promise<HttpShell> | undefined;
  const shell = (): Promise<HttpShell> => (loading ??= serveStore(choice, options));
  const server = createServer(httpOptions(LIMITS));
  const on = (event: 'request' | 'checkContinue', name: 'handle' | 'handleExpecting'): void => {
    server.on(event, (message: IncomingMessage, response: ServerResponse) => {
      shell().then(
        ready => ready[name](message, response),
        () => response.destroy(),
      );
    });
  };
  on('request', 'handle');
  on('checkContinue', 'handleExpecting');
  await listening(server, address);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${port}`,
    accessKeyId,
    secretAccessKey,
    async close() {
      const closed = new Promise(resolve => server.close(resolve));
      server.closeAllConnections();
      await closed;
      if (loading !== undefined) await (await loading).close();
    },
  };
}

async function listening(server: Server, address: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, address, resolve);
  });
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
