/** Certificates as the programs see them that shall trust them: OpenSSL, Python in its strict mode, Node. */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { certifierOf, isCurrent, makeAuthority } from '../../src/certificates/authority.js';
import { afterThis, scratch } from '../harness/optml.js';

const run = promisify(execFile);

const NOW = Date.now();
const DAY_MS = 24 * 60 * 60 * 1000;
const AUTHORITY = makeAuthority(NOW);
const certify = certifierOf(AUTHORITY);

async function verified(name: string): Promise<string> {
  const folder = await scratch('certificates');
  await writeFile(join(folder, 'authority.pem'), AUTHORITY.certificate);
  await writeFile(join(folder, 'server.pem'), certify(name, NOW).certificate);
  const args = ['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', name];
  const files = ['-CAfile', join(folder, 'authority.pem'), join(folder, 'server.pem')];
  try {
    return (await run('openssl', [...args, ...files])).stdout;
  } catch (thrown) {
    const { stdout, stderr } = thrown as { stdout: string; stderr: string };
    return stdout + stderr;
  }
}

test.each(['s3.amazonaws.com', 'with.dots.in.s3.eu-west-1.amazonaws.com', 's3.cn-north-1.amazonaws.com.cn'])(
  'OpenSSL, as strict as it can be, trusts one of %s',
  async name => {
    expect(await verified(name)).toMatch(/: OK\n$/);
  },
);

test('the authority vouches for no name outside AWS', async () => {
  expect(await verified('example.com')).toContain('permitted subtree violation');
});

test('Node reads what is meant', () => {
  const authority = new X509Certificate(AUTHORITY.certificate);
  expect(authority.ca).toBe(true);
  expect(authority.verify(authority.publicKey)).toBe(true);
  const server = new X509Certificate(certify('b.s3.amazonaws.com', NOW).certificate);
  expect(server.ca).toBe(false);
  expect(server.checkIssued(authority)).toBe(true);
  expect(server.checkHost('b.s3.amazonaws.com')).toBe('b.s3.amazonaws.com');
  expect(server.checkHost('c.s3.amazonaws.com')).toBeUndefined();
  expect(Date.parse(server.validFrom)).toBeLessThan(NOW);
  expect(Date.parse(server.validTo)).toBeGreaterThan(NOW + 300 * DAY_MS);
});

test('Python trusts a server of its own, strictly', async () => {
  const name = 'bucket.s3.amazonaws.com';
  const { key, certificate } = certify(name, NOW);
  const server = createServer({ key, cert: certificate }, socket => socket.end('hello')).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  afterThis(async () => void server.close());
  const { port } = server.address() as AddressInfo;
  const folder = await scratch('certificates');
  await writeFile(join(folder, 'authority.pem'), AUTHORITY.certificate);
  const script = `
import socket, ssl, sys
trusted = ssl.create_default_context(cafile=sys.argv[1])
trusted.verify_flags |= ssl.VERIFY_X509_STRICT
with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as plain:
    with trusted.wrap_socket(plain, server_hostname="${name}") as secure:
        print(secure.recv(5).decode())
`;
  const { stdout } = await run('python3', ['-c', script, join(folder, 'authority.pem'), String(port)]);
  expect(stdout).toBe('hello\n');
  const socket = connect({ port, host: '127.0.0.1', servername: name, ca: AUTHORITY.certificate });
  await once(socket, 'secureConnect');
  expect(socket.authorized).toBe(true);
  socket.destroy();
});

test('an authority is made anew before it runs out, also after 2050', () => {
  expect(isCurrent(AUTHORITY, NOW)).toBe(true);
  expect(isCurrent(AUTHORITY, NOW + 3640 * DAY_MS)).toBe(false);
  const late = makeAuthority(Date.parse('2049-06-01T00:00:00Z'));
  expect(new Date(new X509Certificate(late.certificate).validTo).getUTCFullYear()).toBe(2059);
});
