/** A socket to an origin, plain or with TLS, that reads into memory of its owner's. */

import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

export function openSocket(
  origin: string,
  { ca, onread }: { readonly ca: string | undefined; readonly onread: OnReadOpts },
): Socket {
  const { protocol, hostname, port } = new URL(origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'http:') return connectPlain({ host, port: Number(port || 80), onread });
  // Node takes `onread` here too; its types do not say so.
  const secure: ConnectionOptions & { onread: OnReadOpts } = {
    host,
    port: Number(port || 443),
    onread,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  };
  return connectTls(secure);
}
