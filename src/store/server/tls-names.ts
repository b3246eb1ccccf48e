/** S3 over TLS under its own names, each with a certificate that is made when it is first asked for. */
import type { Server as HttpServer, ServerOptions } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { certifierOf, type Identity } from '../../certificates/authority.js';
import { bucketOfS3Name } from '../../names/s3-names.js';
import type { Certificates } from '../port.js';

export interface TlsNames {
  /** Not listening yet. */
  readonly server: Server;
  readonly certificates: Certificates;
  close(): Promise<void>;
}

/** For clients that do not say whom they want. */
const DEFAULT_NAME = 's3.amazonaws.com';

/** `serve` is given the HTTPS server when the first client connects: most jobs never do. */
export function openTls(
  authority: Identity,
  options: ServerOptions,
  serve: (server: HttpServer) => void,
): TlsNames {
  const sockets = new Set<Socket>();
  let loading: Promise<HttpsServer> | undefined;

  async function load(): Promise<HttpsServer> {
    const { createServer: createSecureServer } = await import('node:https');
    const contextOf = secureContexts(authority);
    const secure = createSecureServer({
      ...options,
      ...contextOf.identity(DEFAULT_NAME),
      SNICallback(name, done) {
        done(null, bucketOfS3Name(name) === undefined ? undefined : contextOf(name.toLowerCase()));
      },
    });
    serve(secure);
    return secure;
  }

  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    (loading ??= load()).then(
      secure => secure.emit('connection', socket),
      () => socket.destroy(),
    );
  });
  return {
    server,
    certificates: {
      own: authority.certificate,
      all: [...rootCertificates, authority.certificate].join('\n'),
    },
    async close() {
      const closed = new Promise(resolve => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Names that are kept: a client with many buckets has many. */
const KEPT = 256;

function secureContexts(authority: Identity): ((name: string) => SecureContext) & {
  identity(name: string): { readonly key: string; readonly cert: string };
} {
  const certify = certifierOf(authority);
  const kept = new Map<string, SecureContext>();
  const identity = (name: string): { key: string; cert: string } => {
    const { key, certificate } = certify(name, Date.now());
    return { key, cert: certificate };
  };
  const contextOf = (name: string): SecureContext => {
    const found = kept.get(name);
    if (found !== undefined) return found;
    if (kept.size >= KEPT) kept.clear();
    const made = createSecureContext(identity(name));
    kept.set(name, made);
    return made;
  };
  return Object.assign(contextOf, { identity });
}
