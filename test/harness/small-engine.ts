/** The engine of this machine behind a socket of the test's own, where it says that its machine is smaller than it is. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as ask } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { docker } from './engine.js';
import { afterThis } from './optml.js';

/** Gives an address for DOCKER_HOST. `facts` go over those of `docker info`. */
export async function smallEngine(facts: Readonly<Record<string, unknown>>): Promise<string> {
  const context = await docker('context', 'inspect', '--format', '{{.Endpoints.docker.Host}}');
  const socketPath = context.replace(/^unix:\/\//, '');
  const server = createServer((incoming, outgoing) => {
    const { method, url: path = '', headers } = incoming;
    const forwarded = ask({ socketPath, method, path, headers }, answer => {
      if (!path.endsWith('/info')) {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        outgoing.flushHeaders();
        answer.pipe(outgoing);
        return;
      }
      json(answer).then(
        info => {
          outgoing.writeHead(200, { 'content-type': 'application/json' });
          outgoing.end(JSON.stringify({ ...(info as object), ...facts }));
        },
        // Whoever asked has gone.
        () => outgoing.destroy(),
      );
    });
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  // A socket's path must be short, which a checkout's may not be.
  const folder = await mkdtemp(join(tmpdir(), 'optml-small-'));
  server.listen(join(folder, 'engine.sock'));
  await once(server, 'listening');
  afterThis(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await rm(folder, { recursive: true });
  });
  return `unix://${join(folder, 'engine.sock')}`;
}
