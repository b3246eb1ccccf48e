/** An S3 server before the store, whatever the store is: for a job's containers, and for `optml up`. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { Identity } from '../certificates/authority.js';
import { systemCode } from '../errors.js';
import { serveNames, systemNameservers, type NamesServer } from '../names/names-server.js';
import { bucketOfS3Name, S3_NAMES } from '../names/s3-names.js';
import type { StoreChoice } from './open-store.js';
import type { StoreAccess, StoreNames } from './port.js';
import type { CallerKeys } from './server/caller.js';
import { httpOptions, LIMITS } from './server/http-options.js';
import type { HttpShell, HttpShellOptions } from './server/http-shell.js';
import type { ServedHost } from './server/request.js';

/** Real AWS is never stood in for: its clients reach it themselves. */
export type ServedChoice = Exclude<StoreChoice, { kind: 'aws' }>;

/**
 * The way of a job's containers to its store: listens on `address`, which containers reach, and nowhere else, with keys of
 * the job's own. Throws what listening throws.
 */
export async function openAccess(
  choice: ServedChoice,
  {
    address,
    region,
    authority,
  }: {
    readonly address: string;
    readonly region: string;
    /** Whom the containers trust; asked for where S3 is to be found under its own names. */
    readonly authority: () => Promise<Identity>;
  },
): Promise<StoreAccess> {
  const accessKeyId = `OPTML${randomBytes(8).toString('hex').toUpperCase()}`;
  const secretAccessKey = randomBytes(30).toString('base64url');
  const options = {
    keys: (id: string) => (id === accessKeyId ? { secretAccessKey } : null),
    region,
    hosts: [bucketOfS3Name],
  };
  // Most jobs never ask: what answers is loaded for the first one that does.
  let loading: Promise<HttpShell> | undefined;
  const shell = (): Promise<HttpShell> => (loading ??= serveStore(choice, options));
  const server = createServer(httpOptions(LIMITS));
  answerBy(server, shell);
  await listening(server, address);
  const closers: (() => Promise<void> | void)[] = [() => closeServer(server)];
  return {
    url: `http://${address}:${portOf(server)}`,
    accessKeyId,
    secretAccessKey,
    async serveNames(): Promise<StoreNames> {
      const { openTls } = await import('./server/tls-names.js');
      const tls = openTls(await authority(), httpOptions(LIMITS), secure => answerBy(secure, shell));
      closers.push(() => tls.close());
      const names = await openNames(tls.server, address);
      if (names !== null) closers.push(() => names.close());
      else await listening(tls.server, address);
      return {
        address,
        port: portOf(tls.server),
        nameserver: names !== null,
        certificates: tls.certificates,
      };
    },
    async close() {
      for (const close of closers) await close();
      if (loading !== undefined) await (await loading).close();
    },
  };
}

/**
 * Listens where S3 and nameservers do. Null where this user may not, or another job of this machine, or a program of its own,
 * is there already.
 */
async function openNames(tls: NetServer, address: string): Promise<NamesServer | null> {
  try {
    await listening(tls, address, 443);
  } catch (thrown) {
    if (isTaken(thrown)) return null;
    throw thrown;
  }
  try {
    return await serveNames({ address, names: S3_NAMES, nameservers: systemNameservers });
  } catch (thrown) {
    await new Promise(resolve => tls.close(resolve));
    if (isTaken(thrown)) return null;
    throw thrown;
  }
}

function isTaken(thrown: unknown): boolean {
  return ['EACCES', 'EADDRINUSE'].includes(systemCode(thrown) ?? '');
}

function answerBy(server: Server, shell: () => Promise<HttpShell>): void {
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
  server.on('clientError', (thrown, socket) => {
    import('./server/bad-http.js').then(
      ({ answerBadHttp }) => answerBadHttp(thrown, socket),
      () => socket.destroy(),
    );
  });
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise(resolve => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

function portOf(server: NetServer): number {
  return (server.address() as AddressInfo).port;
}

async function listening(server: NetServer, address: string, port = 0): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Another S3 server is passed on to, signed with the store's own keys, so that callers never have those. */
export async function serveStore(
  choice: ServedChoice,
  options: {
    readonly keys: CallerKeys;
    readonly region: string;
    /** Names by which the server is called; addresses need none. */
    readonly hosts: readonly ServedHost[];
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
