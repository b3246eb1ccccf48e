/**
 * The fastest source that there is: nginx over plain files, with the pages of ListObjectsV2 made beforehand. It checks no
 * signature, so that what is measured is the client.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { has } from './measure.mjs';

const PAGE = 1000;

/** Epoch seconds of every object. */
const TIME = 1_767_225_600;

/** Memory, where there is some: the disk must not be what is measured. */
export const SCRATCH = '/dev/shm';

/**
 * Makes objects of `contentOf(i)`, or has `fill` make each file; gives `{url, folder, stop}`, with `tls` also
 * `{secureUrl, ca}`; null without nginx.
 */
export async function startStaticS3({ count, contentOf, fill, tls = false }) {
  if (!has('nginx', 'nginx-light')) return null;
  const folder = mkdtempSync(join(SCRATCH, 'optml-bench-'));
  const bucket = join(folder, 'www/bench');
  mkdirSync(join(folder, 'www/pages'), { recursive: true });
  mkdirSync(bucket, { recursive: true });
  const objects = Array.from({ length: count }, (_, index) => {
    const key = `data/part-${String(index).padStart(7, '0')}`;
    mkdirSync(join(bucket, 'data'), { recursive: true });
    if (fill === undefined) writeFileSync(join(bucket, key), contentOf(index));
    else fill(join(bucket, key));
    const { size } = statSync(join(bucket, key));
    utimesSync(join(bucket, key), TIME, TIME);
    // The ETag that nginx will give it: time and size.
    return { key, size, etag: `${TIME.toString(16)}-${size.toString(16)}` };
  });
  for (let page = 0; page * PAGE < Math.max(1, count); page += 1)
    writeFileSync(join(folder, `www/pages/${page}`), pageOf(objects, page));
  const port = await freePort();
  const securePort = tls ? await freePort() : null;
  if (tls) makeCertificate(folder);
  writeFileSync(join(folder, 'nginx.conf'), configOf({ folder, port, securePort }));
  const nginx = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-g', 'daemon off;'], { stdio: 'ignore' });
  await answers(port);
  const stop = async () => {
    nginx.kill('SIGQUIT');
    await once(nginx, 'exit');
    rmSync(folder, { recursive: true, force: true });
  };
  const secure = tls ? { secureUrl: `https://127.0.0.1:${securePort}`, ca: join(folder, 'cert.pem') } : {};
  return { url: `http://127.0.0.1:${port}`, folder, stop, ...secure };
}

function makeCertificate(folder) {
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'key.pem')];
  const names = ['-subj', '/CN=bench', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = ['req', '-x509', ...key, '-out', join(folder, 'cert.pem'), '-days', '2', ...names];
  execFileSync('openssl', args, { stdio: 'ignore' });
}

function pageOf(objects, page) {
  const shown = objects.slice(page * PAGE, (page + 1) * PAGE);
  const more = (page + 1) * PAGE < objects.length;
  const contents = shown.map(
    ({ key, size, etag }) =>
      `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  );
  return (
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bench</Name><Prefix>data/</Prefix>' +
    `<KeyCount>${shown.length}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>${more}</IsTruncated>` +
    (more ? `<NextContinuationToken>${page + 1}</NextContinuationToken>` : '') +
    `${contents.join('')}</ListBucketResult>`
  );
}

function configOf({ folder, port, securePort }) {
  return `
${process.getuid() === 0 ? 'user root;' : ''} worker_processes 1; pid ${folder}/pid; error_log /dev/null;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000;
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3; uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  default_type application/octet-stream;
  server {
    listen 127.0.0.1:${port} backlog=4096;${securePort === null ? '' : ` listen 127.0.0.1:${securePort} ssl; ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;`} root ${folder}/www;
    location ~ ^/bench/?$ {
      default_type application/xml;
      set $page 0;
      if ($args ~ "continuation-token=([0-9]+)") { set $page $1; }
      if ($args ~ "location") { return 200 '<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>'; }
      rewrite ^ /pages/$page break;
    }
    location /bench/ { }
  }
}
`;
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export async function answers(port) {
  for (let tries = 0; tries < 200; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise(resolve =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
    );
    socket.destroy();
    if (open) return;
    await new Promise(resolve => setTimeout(resolve, 25));
  }
  throw new Error('nginx does not answer');
}
