/** A private certificate authority, and a server certificate of it for 127.0.0.1. */

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificates {
  /** The authority, PEM. */
  readonly bundle: string;
  /** `public.crt` and `private.key`. */
  readonly folder: string;
}

export async function makeCertificates(parent: string): Promise<Certificates> {
  const folder = join(parent, 'certs');
  await mkdir(folder, { recursive: true });
  const openssl = (...args: string[]) => run('openssl', args, { cwd: parent });
  const newKey = ['-newkey', 'rsa:2048', '-nodes', '-sha256'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=optml test CA',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  await openssl(
    'req',
    ...newKey,
    '-subj',
    '/CN=optml test',
    '-keyout',
    'certs/private.key',
    '-out',
    'server.csr',
  );
  await writeFile(join(parent, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  await openssl(
    ...['x509', '-req', '-in', 'server.csr', '-days', '2', '-sha256', '-extfile', 'names'],
    ...['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'certs/public.crt'],
  );
  return { bundle: join(parent, 'ca.pem'), folder };
}
