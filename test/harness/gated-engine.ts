/** The engine of this machine behind a socket of the test's own, which can hold requests and answers. */
import { createServer, request as ask } from 'node:http';
import { createGate, type Gate } from './gate.js';
import { docker } from './engine.js';
import { serveAsEngine } from './engine-socket.js';

export interface GatedEngine {
  /** For DOCKER_HOST. */
  readonly url: string;
  /** Holds before the engine hears of a request. */
  readonly requests: Gate;
  /** Holds when the engine has done what was asked, before the client hears of it. */
  readonly answers: Gate;
}

export async function gatedEngine(): Promise<GatedEngine> {
  const requests = createGate();
  const answers = createGate();
  const socketPath = await engineSocket();
  const server = createServer((incoming, outgoing) => {
    const line = `${incoming.method ?? ''} ${incoming.url ?? ''}`;
    void requests.pass(line).then(() => {
      const { method, url: path, headers } = incoming;
      const forwarded = ask({ socketPath, method, path, headers }, answer => {
        void answers.pass(line).then(() => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          outgoing.flushHeaders();
          answer.pipe(outgoing);
        });
      });
      forwarded.on('error', () => outgoing.destroy());
      outgoing.on('close', () => forwarded.destroy());
      incoming.pipe(forwarded);
    });
  });
  return { url: await serveAsEngine(server), requests, answers };
}

/** Where the docker command finds its engine. */
async function engineSocket(): Promise<string> {
  const host = await docker('context', 'inspect', '--format', '{{.Endpoints.docker.Host}}');
  return host.replace(/^unix:\/\//, '');
}
