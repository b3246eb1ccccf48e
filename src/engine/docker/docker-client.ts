/** An endpoint → a client of it: the only file that makes one. */
import { createRequire } from 'node:module';
import type Docker from 'dockerode';
import { OptmlError } from '../../errors.js';
import type { Endpoint } from './endpoint.js';

/** Nothing is asked yet. Throws USAGE for what is no address. */
export function dockerClient(endpoint: Endpoint): Docker {
  const Client = loadDockerode();
  const docker = new Client(clientOptions(endpoint));
  if (endpoint.url.startsWith('ssh:')) nameByHttp(docker);
  return docker;
}

/**
 * dockerode loads gRPC for sessions with BuildKit, which are used for building images only, and that takes as long as all the
 * rest of it. So something that is never called stands in the place of that module.
 */
function loadDockerode(): typeof Docker {
  const require = createRequire(import.meta.url);
  const id = require.resolve('dockerode/lib/session.js');
  if (require.cache[id] === undefined) {
    const { Module } = require('node:module') as { Module: new (id: string) => NodeJS.Module };
    const unused = new Module(id);
    unused.loaded = true;
    unused.exports = () => {
      throw new TypeError('images are not built here');
    };
    require.cache[id] = unused;
  }
  return require('dockerode') as typeof Docker;
}

function clientOptions({ url, from, tls }: Endpoint): Docker.DockerOptions {
  const [, scheme, path] = /^(unix|npipe):\/\/(.+)$/.exec(url) ?? [];
  if (path !== undefined) return { socketPath: scheme === 'unix' ? path : path.replaceAll('/', '\\') };
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || parsed.hostname === '' || !/^(tcp|https?|ssh):$/.test(parsed.protocol))
    throw new OptmlError(
      'USAGE',
      `"${url}" (from ${from}) is no address of a Docker engine: expected unix:///path, tcp://host:port or ssh://user@host.`,
    );
  if (parsed.protocol === 'ssh:')
    return { protocol: 'ssh', host: parsed.hostname, port: parsed.port || 22, username: parsed.username };
  const secure = tls !== undefined || parsed.protocol === 'https:';
  return {
    protocol: secure ? 'https' : 'http',
    host: parsed.hostname,
    port: parsed.port || (secure ? 2376 : 2375),
    ...tls,
  };
}

interface Modem {
  dial(options: object, callback: unknown): void;
  buildRequest(...given: readonly unknown[]): void;
}

/**
 * Over ssh, docker-modem makes a URL of the protocol `ssh`, which is no URL: Node warns of it on stderr, and a later one will
 * throw. So the URL is made of a host that nobody looks up; the connection still goes to the real one.
 */
function nameByHttp(docker: Docker): void {
  const modem = docker.modem as unknown as Modem;
  const view = Object.create(modem, {
    host: { value: 'http://docker' },
    buildRequest: { value: modem.buildRequest.bind(modem) },
  }) as Modem;
  const dial = modem.dial.bind(view);
  modem.dial = (options, callback) => dial(options, callback);
}
