/** Looks at the engine with the docker command: what a user would see. */
import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gatewayOf } from '../../src/engine/docker/gateway.js';

const run = promisify(execFile);

export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('docker', [...args], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

/** This machine's address on the engine's default network. An engine that has just been installed leaves it out of its answer. */
export async function bridgeGateway(): Promise<string> {
  const [network] = JSON.parse(await docker('network', 'inspect', 'bridge')) as unknown[];
  const gateway = gatewayOf(network);
  if (gateway === null) throw new Error('the default network has no IPv4');
  return gateway;
}

/**
 * Everything of one job that is still in the engine, a line each; empty is what a test wants. With a home, what is known to be of
 * another one does not count: two tests may run the same example.
 */
export async function leftBehind(job: string, home?: string): Promise<string> {
  const list = (command: readonly string[], label: string, name: string): Promise<string> =>
    docker(
      ...command,
      ...['--filter', `label=optml.job=${label}`],
      ...['--format', `{{.${name}}} {{.Label "optml.owner"}}`],
    );
  const found = await Promise.all([
    list(['ps', '-a'], job, 'ID'),
    // The helpers of its hosts.
    list(['ps', '-a'], `${job}/names`, 'ID'),
    list(['network', 'ls'], job, 'ID'),
    list(['volume', 'ls'], job, 'Name'),
  ]);
  return found
    .flatMap(text => text.split('\n'))
    .filter(line => line !== '' && !isOfAnother(home, line))
    .map(line => line.split(' ')[0] ?? '')
    .join('\n');
}

/** Homes are told apart by their last part: an ordinary user may see them elsewhere. */
function isOfAnother(home: string | undefined, line: string): boolean {
  const owner = /"home":"([^"]+)"/.exec(line)?.[1];
  return home !== undefined && owner !== undefined && basename(owner) !== basename(home);
}
