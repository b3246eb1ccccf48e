/** Looks at the engine with the docker command: what a user would see. */
import { execFile } from 'node:child_process';
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

/** Everything of one job that is still in the engine, a line each; empty is what a test wants. */
export async function leftBehind(job: string): Promise<string> {
  const filter = ['--filter', `label=optml.job=${job}`];
  const found = await Promise.all([
    docker('ps', '-aq', ...filter),
    // The helpers of its hosts.
    docker('ps', '-aq', '--filter', `label=optml.job=${job}/names`),
    docker('network', 'ls', '-q', ...filter),
    docker('volume', 'ls', '-q', ...filter),
  ]);
  return found.filter(text => text !== '').join('\n');
}
