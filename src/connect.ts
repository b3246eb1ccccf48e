/** Settings and environment → the engine and the store that they mean. Both are opened only when something needs them. */
import { readFileSync } from 'node:fs';
import { credentialsOf } from './aws/credentials.js';
import type { Identity } from './certificates/authority.js';
import type { Engine } from './engine/port.js';
import { OptmlError } from './errors.js';
import type { Settings } from './settings.js';
import { parseMapping, type Mapping } from './store/mapping.js';
import { openStore, type StoreChoice } from './store/open-store.js';
import type { Store, StoreAccess } from './store/port.js';
import { parseDatasetMap, type DatasetMap } from './survey/datasets.js';
import { parseFileSystemMap, type FileSystemMap } from './survey/file-systems.js';

/** Throws USAGE. */
export function fileSystemMaps({ mapFs, workingFolder }: Settings): FileSystemMap[] {
  return mapFs.map(text => parseFileSystemMap(text, workingFolder));
}

/** Throws USAGE. */
export function datasetMaps({ mapDataset, workingFolder }: Settings): DatasetMap[] {
  return mapDataset.map(text => parseDatasetMap(text, workingFolder));
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** `folder`: where the embedded store lies. Nothing is asked of the store yet. Throws USAGE. */
export async function connectStore(
  settings: Settings,
  { environment, folder }: { readonly environment: Environment; readonly folder: string },
  /** Beside those of the settings. */
  more: readonly Mapping[] = [],
): Promise<Store> {
  const mappings = settings.maps.map(text => parseMapping(text, settings.workingFolder));
  return openStore(storeChoice(settings, { environment, folder }), [...mappings, ...more]);
}

/**
 * How containers of a job get a way to this store, at an address that they reach. Null for real AWS: no credentials of the
 * user are handed to a container.
 */
export function accessOf(
  settings: Settings,
  {
    authority,
    ...place
  }: {
    readonly environment: Environment;
    readonly folder: string;
    readonly authority: () => Promise<Identity>;
  },
): ((address: string) => Promise<StoreAccess>) | null {
  const choice = storeChoice(settings, place);
  if (choice.kind === 'aws') return null;
  return async address => {
    const { openAccess } = await import('./store/access.js');
    return openAccess(choice, { address, region: settings.region, authority });
  };
}

export function storeChoice(
  { store, region }: Settings,
  { environment, folder }: { readonly environment: Environment; readonly folder: string },
): StoreChoice {
  if (store === 'embedded') return { kind: 'embedded', folder };
  const access = {
    region,
    credentials: credentialsOf(environment, { region }),
    ...readBundle(environment['AWS_CA_BUNDLE']),
  };
  return store === 'aws' ? { kind: 'aws', ...access } : { kind: 'url', url: store, ...access };
}

/** Nothing is asked of the engine yet. The client takes long to load, so it loads here. Throws USAGE. */
export async function connectEngine(settings: Settings, environment: Environment): Promise<Engine> {
  const [{ dockerEngine }, { findEndpoint, configFolder }, { credentialsFor }] = await Promise.all([
    import('./engine/docker/docker-engine.js'),
    import('./engine/docker/endpoint.js'),
    import('./engine/docker/registry-credentials.js'),
  ]);
  const docker = { ...environment, dockerHost: settings.dockerHost };
  return dockerEngine({
    endpoint: findEndpoint(docker),
    mappedImages: settings.mapImages,
    credentials: async registry =>
      (await credentialsFor(registry, configFolder(docker))) ??
      ecrCredentials(registry, settings.region, environment),
    ownsRootFiles: ownsRootFiles(),
  });
}

/** Whether this process may read and delete what a root container writes into a folder of this machine. */
export function ownsRootFiles(): boolean {
  return process.getuid?.() === 0;
}

/** A registry of ECR without stored credentials is logged in to through the AWS chain; undefined for other registries. */
async function ecrCredentials(
  registry: string,
  region: string,
  environment: Environment,
): Promise<{ username: string; password: string; serveraddress: string } | undefined> {
  const { loginToEcr, parseEcrHost } = await import('./aws/ecr-login.js');
  if (parseEcrHost(registry) === null) return undefined;
  const login = await loginToEcr({
    host: registry,
    credentials: credentialsOf(environment, { region }),
    ...readBundle(environment['AWS_CA_BUNDLE']),
    signal: AbortSignal.timeout(20_000),
  });
  return { ...login, serveraddress: registry };
}

function readBundle(path: string | undefined): { readonly ca?: string } {
  if (path === undefined || path === '') return {};
  const refuse = (what: string, cause?: unknown): OptmlError =>
    new OptmlError(
      'USAGE',
      `AWS_CA_BUNDLE names "${path}", which ${what}: expected a file of PEM certificates.`,
      { cause },
    );
  let ca: string;
  try {
    ca = readFileSync(path, 'utf8');
  } catch (thrown) {
    throw refuse('cannot be read', thrown);
  }
  // TLS would take it for a list of none, and trust nobody.
  if (!ca.includes('-----BEGIN')) throw refuse('holds no certificate');
  return { ca };
}
