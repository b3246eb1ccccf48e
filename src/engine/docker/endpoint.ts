/**
 * Which engine is meant: `--docker-host`, then DOCKER_HOST, then the docker context, then the sockets that engines use.
 * Each step says where its answer comes from, so that an error can.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OptmlError } from '../../errors.js';

export interface Endpoint {
  /** `unix:///var/run/docker.sock`, `tcp://host:2376`, `ssh://me@host` … */
  readonly url: string;
  /** For messages: `DOCKER_HOST`, `the docker context "desktop"` … */
  readonly from: string;
  /** PEM texts. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** What is read of the environment. */
export interface DockerEnvironment {
  readonly dockerHost?: string | undefined;
  readonly DOCKER_HOST?: string | undefined;
  readonly DOCKER_CONTEXT?: string | undefined;
  readonly DOCKER_TLS_VERIFY?: string | undefined;
  readonly DOCKER_CERT_PATH?: string | undefined;
  readonly DOCKER_CONFIG?: string | undefined;
  readonly XDG_RUNTIME_DIR?: string | undefined;
  readonly HOME?: string | undefined;
}

const DEFAULT_SOCKET = '/var/run/docker.sock';

/** Throws USAGE for a context that cannot be read. */
export function findEndpoint(environment: DockerEnvironment): Endpoint {
  const { dockerHost, DOCKER_HOST, DOCKER_CONTEXT } = environment;
  const tls = tlsOf(environment);
  if (isSet(dockerHost)) return { url: dockerHost, from: '--docker-host', ...tls };
  if (isSet(DOCKER_HOST)) return { url: DOCKER_HOST, from: 'DOCKER_HOST', ...tls };
  const context = isSet(DOCKER_CONTEXT) ? DOCKER_CONTEXT : currentContext(environment);
  if (context !== undefined && context !== 'default')
    return contextEndpoint(configFolder(environment), context);
  const socket = socketsOf(environment).find(path => existsSync(path)) ?? DEFAULT_SOCKET;
  return { url: `unix://${socket}`, from: 'the default socket' };
}

/** The folder of the docker command's own configuration. */
export function configFolder({ DOCKER_CONFIG, HOME }: DockerEnvironment): string {
  return isSet(DOCKER_CONFIG) ? DOCKER_CONFIG : join(HOME ?? '/', '.docker');
}

function socketsOf({ HOME, XDG_RUNTIME_DIR }: DockerEnvironment): string[] {
  return [
    DEFAULT_SOCKET,
    ...(isSet(XDG_RUNTIME_DIR) ? [join(XDG_RUNTIME_DIR, 'docker.sock')] : []),
    ...(isSet(HOME)
      ? [join(HOME, '.docker/run/docker.sock'), join(HOME, '.docker/desktop/docker.sock')]
      : []),
  ];
}

function currentContext(environment: DockerEnvironment): string | undefined {
  const config = readJson(join(configFolder(environment), 'config.json'));
  const name = config?.['currentContext'];
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** Contexts lie under the SHA-256 of their names. */
function contextEndpoint(folder: string, name: string): Endpoint {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = readJson(join(folder, 'contexts/meta', id, 'meta.json'));
  const endpoints = meta?.['Endpoints'] as { docker?: { Host?: unknown } } | undefined;
  const host = endpoints?.docker?.Host;
  if (typeof host !== 'string' || host === '')
    throw new OptmlError(
      'USAGE',
      `The docker context "${name}" cannot be read in ${folder}: choose one that "docker context ls" shows, or give --docker-host.`,
    );
  return {
    url: host,
    from: `the docker context "${name}"`,
    ...pemsIn(join(folder, 'contexts/tls', id, 'docker')),
  };
}

function tlsOf({ DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, ...rest }: DockerEnvironment): Pick<Endpoint, 'tls'> {
  if (!isSet(DOCKER_TLS_VERIFY)) return {};
  return pemsIn(isSet(DOCKER_CERT_PATH) ? DOCKER_CERT_PATH : configFolder(rest));
}

function pemsIn(folder: string): Pick<Endpoint, 'tls'> {
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map(name => readText(join(folder, name)));
  if (ca === undefined && cert === undefined && key === undefined) return {};
  return {
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function readJson(file: string): Record<string, unknown> | undefined {
  const text = readText(file);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
