/**
 * A helper that holds the network of a host and answers S3's names in it (`names/names-server.ts`). The host joins its network.
 * It borrows the image of the job for a root to stand on, and brings all that it runs: this process's Node, mounted with its
 * libraries, so that no other image is needed. As the host's own network is not made twice, it costs little.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { deferred } from '../../deferred.js';
import { asOptmlError, OptmlError } from '../../errors.js';
import type { NamesHelper, NamesWanted } from '../port.js';
import { ANSWER_MS, ignoring, isSilence, untilLetGo, within } from './asking.js';
import { removeContainer } from './container-end.js';
import { asDockerLabels, endpoint, networkOptions, resourceName } from './container-options.js';

const PROGRAM = fileURLToPath(new URL('../../names/names-server.js', import.meta.url));
/** An address of every host itself, at which nobody else listens. */
const OWN = '127.0.83.51';
const FOLDER = '/.optml';
const READY_MS = 20_000;

/** Throws ENGINE_UNFIT where the engine does not see this machine's files, or the helper does not start. */
export async function openNames(
  docker: Docker,
  wanted: NamesWanted,
  signal: AbortSignal,
): Promise<NamesHelper> {
  let container: Docker.Container | undefined;
  try {
    const options = await namesOptions(wanted);
    container = await untilLetGo(() => docker.createContainer(options));
    await within(READY_MS, limit => startAndHear(container, limit), signal);
    return { kind: 'helper', container: container.id };
  } catch (thrown) {
    if (container !== undefined) await closeNames(docker, { kind: 'helper', container: container.id });
    if (isSilence(thrown) && !signal.aborted) throw thrown;
    const { message } = asOptmlError(thrown);
    throw new OptmlError('ENGINE_UNFIT', `the helper that answers S3's names did not start: ${message}`, {
      cause: thrown,
    });
  }
}

/**
 * Ends its program and takes its network down; gone already is no error. It stays a container: an archive of the host is read with
 * files of its helper mounted, and an engine that misses one then says of the archive that there is none.
 */
export async function endNames(docker: Docker, { container }: NamesHelper): Promise<void> {
  await within(ANSWER_MS, abortSignal =>
    ignoring([404, 409], docker.getContainer(container).kill({ abortSignal })),
  );
}

/** When the host's outputs were read. Gone already is no error. */
export async function closeNames(docker: Docker, { container }: NamesHelper): Promise<void> {
  await within(READY_MS, abortSignal => removeContainer(docker.getContainer(container), abortSignal));
}

async function namesOptions({
  host,
  image,
  network,
  labels,
  names,
  leadsTo,
}: NamesWanted): Promise<Docker.ContainerCreateOptions> {
  const { loader, libraries } = linkedLibraries();
  const leads = { host: leadsTo.address, port: leadsTo.port };
  const call = `await holdNames(${JSON.stringify({ address: OWN, names, leadsTo: leads })});`;
  const inside = (file: string): string => `${FOLDER}/${basename(file)}`;
  const mounted = (source: string, target: string): Docker.MountSettings => ({
    Type: 'bind',
    Source: source,
    Target: target,
    ReadOnly: true,
  });
  const start = loader === null ? [] : [inside(loader), '--library-path', FOLDER];
  return {
    name: `${resourceName({ ...labels, host })}-names`,
    Image: image.id,
    Hostname: host,
    User: '0',
    WorkingDir: '/',
    Entrypoint: [...start, `${FOLDER}/node`],
    Cmd: ['--input-type=module', '-e', `${await readFile(PROGRAM, 'utf8')}\n${call}`],
    // What the image says is meant for its own programs.
    Env: ['LD_LIBRARY_PATH', 'LD_PRELOAD', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'OPENSSL_CONF'],
    Healthcheck: { Test: ['NONE'] },
    // It is no host: whoever looks for those of the job shall not find it.
    Labels: asDockerLabels({ ...labels, job: `${labels.job}/names`, host: '' }),
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      Mounts: [
        mounted(process.execPath, `${FOLDER}/node`),
        ...libraries.map(one => mounted(one, inside(one))),
      ],
      CapDrop: ['ALL'],
      CapAdd: ['NET_BIND_SERVICE'],
      SecurityOpt: ['no-new-privileges'],
      ...networkOptions(host, network),
    },
    ...(network.id === null ? {} : { NetworkingConfig: endpoint(host, network.id, network) }),
  };
}

/** Returns when its first line is said. */
async function startAndHear(container: Docker.Container | undefined, signal: AbortSignal): Promise<void> {
  if (container === undefined) return;
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const ready = deferred<undefined>();
  let said = '';
  const onData = (chunk: Buffer): void => {
    said += chunk.subarray(8).toString();
    if (said.startsWith('ready')) ready.resolve(undefined);
  };
  const onEnd = (): void => ready.reject(new OptmlError('ENGINE_UNFIT', `it said "${said.trim()}"`));
  const onAbort = (): void => ready.reject(new OptmlError('ENGINE_UNFIT', 'it said nothing'));
  stream.on('data', onData).on('end', onEnd).on('error', onEnd);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await container.start();
    await ready.promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    (stream as NodeJS.ReadWriteStream & { destroy(): void }).destroy();
  }
}

interface Libraries {
  /** The one that starts programs; null where Node needs none. */
  readonly loader: string | null;
  /** With the loader. */
  readonly libraries: readonly string[];
}

/** The types of Node 20 do not know all of it. */
interface Report {
  excludeNetwork: boolean;
  getReport(): { readonly sharedObjects: readonly string[] };
}

let found: Libraries | undefined;

/** What this process is linked with, under the names that its program asks for. */
function linkedLibraries(): Libraries {
  return (found ??= findLibraries());
}

function findLibraries(): Libraries {
  const report = process.report as unknown as Report;
  const before = report.excludeNetwork;
  // Names would be looked up for the addresses of its connections.
  report.excludeNetwork = true;
  const { sharedObjects } = report.getReport();
  report.excludeNetwork = before;
  const libraries = sharedObjects.filter(path => path.startsWith('/') && /\.so(\.|$)/.test(basename(path)));
  const loader = libraries.find(path => /^ld(64)?[-.]/.test(basename(path)));
  return { loader: loader ?? null, libraries };
}
