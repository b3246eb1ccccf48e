/** The engine of this machine behind a socket of the test's own, where it says that its machine is smaller than it is. */
import { createServer, request as ask } from 'node:http';
import { json } from 'node:stream/consumers';
import { docker } from './engine.js';
import { serveAsEngine } from './engine-socket.js';

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
  return serveAsEngine(server);
}
