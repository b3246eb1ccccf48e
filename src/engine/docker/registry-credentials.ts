/** The user's own Docker credentials: `config.json` and the credential helpers that it names. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export type RegistryCredentials =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string };

interface DockerConfig {
  readonly auths?: Record<string, { readonly auth?: string; readonly identitytoken?: string }>;
  readonly credHelpers?: Record<string, string>;
  readonly credsStore?: string;
}

/** Docker Hub is filed under its first address. */
const HUB = 'https://index.docker.io/v1/';

/** Undefined when the user has none for this registry: then the pull is anonymous. */
export async function credentialsFor(
  registry: string,
  folder: string,
): Promise<RegistryCredentials | undefined> {
  const config = await readConfig(folder);
  const address = registry === 'docker.io' ? HUB : registry;
  const helper = config.credHelpers?.[registry] ?? config.credHelpers?.[address] ?? config.credsStore;
  if (helper !== undefined && helper !== '') {
    const found = await askHelper(helper, address);
    if (found !== undefined) return found;
  }
  const stored = config.auths?.[address] ?? config.auths?.[`https://${registry}`];
  if (stored === undefined) return undefined;
  if (stored.identitytoken !== undefined && stored.identitytoken !== '')
    return { identitytoken: stored.identitytoken, serveraddress: address };
  const [username = '', ...password] = Buffer.from(stored.auth ?? '', 'base64')
    .toString('utf8')
    .split(':');
  return username === '' ? undefined : { username, password: password.join(':'), serveraddress: address };
}

async function readConfig(folder: string): Promise<DockerConfig> {
  try {
    return JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as DockerConfig;
  } catch {
    return {};
  }
}

/** `docker-credential-NAME get`: the registry on stdin, JSON on stdout; a helper that fails or is missing knows nothing. */
async function askHelper(name: string, address: string): Promise<RegistryCredentials | undefined> {
  const answer = await new Promise<string>(resolve => {
    const child = spawn(`docker-credential-${name}`, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: 20_000,
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.stdin.on('error', () => undefined);
    child.on('error', () => resolve(''));
    child.on('close', code => resolve(code === 0 ? text : ''));
    child.stdin.end(address);
  });
  try {
    const { Username, Secret } = JSON.parse(answer) as { Username?: unknown; Secret?: unknown };
    if (typeof Username !== 'string' || typeof Secret !== 'string') return undefined;
    return Username === '<token>'
      ? { identitytoken: Secret, serveraddress: address }
      : { username: Username, password: Secret, serveraddress: address };
  } catch {
    return undefined;
  }
}
