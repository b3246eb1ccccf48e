/**
 * A network of a job's own, on which every host has a fixed address: Docker's DNS forgets a host that has ended, so names
 * stand in each host's `/etc/hosts`, and those need addresses that are known before the start.
 */
import { isIPv4 } from 'node:net';
import type Docker from 'dockerode';
import { OptmlError } from '../../errors.js';
import type { NetworkPlan } from '../../plan/network.js';
import type { HostLabels, JobNetwork } from '../port.js';
import { hasStatus, ignoring, refused } from './asking.js';
import { asDockerLabels } from './container-options.js';

/** Another job may take the range between two requests. */
const TRIES = 20;

/** Throws ENGINE_UNFIT when the engine has no range left, or one too small for the hosts. */
export async function openNetwork(
  docker: Docker,
  { kind, hosts }: NetworkPlan,
  labels: HostLabels,
): Promise<JobNetwork> {
  if (kind === 'default' || kind === 'none') return { kind, id: null, addresses: {} };
  const name = `optml-${labels.run}`;
  const common = { Driver: 'bridge', Labels: asDockerLabels(labels), ...optionsOf(kind) };
  for (let tries = 1; ; tries += 1) {
    try {
      const subnet = await freeRange(docker, { ...common, Name: `${name}-range` });
      const addresses = addressesIn(subnet, hosts);
      // Only in a range that was asked for by name may addresses be chosen.
      const IPAM = { Driver: 'default', Config: [{ Subnet: subnet }] };
      const { id } = await docker.createNetwork({ ...common, Name: name, IPAM });
      return { kind, id, addresses };
    } catch (thrown) {
      if (tries === TRIES || !isTaken(thrown)) throw explained(thrown);
    }
  }
}

/** Gone already is no error. */
export async function closeNetwork(docker: Docker, { id }: JobNetwork): Promise<void> {
  if (id !== null) await ignoring([404], docker.getNetwork(id).remove());
}

/** Without an address of the engine's machine on it, an internal network leads to its peers only. */
function optionsOf(kind: NetworkPlan['kind']): {
  readonly Internal: boolean;
  readonly Options: Record<string, string>;
} {
  return kind === 'peers-only'
    ? { Internal: true, Options: { 'com.docker.network.bridge.inhibit_ipv4': 'true' } }
    : { Internal: false, Options: {} };
}

/** The engine knows which ranges this machine and its networks leave free: what it would take is asked by taking it. */
async function freeRange(docker: Docker, options: Docker.NetworkCreateOptions): Promise<string> {
  const network = docker.getNetwork((await docker.createNetwork(options)).id);
  let ranges: readonly { readonly Subnet?: string | undefined }[];
  try {
    ranges = ((await network.inspect()) as Partial<Docker.NetworkInspectInfo>).IPAM?.Config ?? [];
  } finally {
    await network.remove();
  }
  const subnet = ranges.map(one => one.Subnet ?? '').find(one => isIPv4(one.split('/')[0] ?? ''));
  if (subnet === undefined)
    throw new OptmlError('ENGINE_UNFIT', 'The Docker engine makes networks without IPv4.');
  return subnet;
}

/** Host → address; the first one of the range is the gateway's. */
export function addressesIn(subnet: string, hosts: readonly string[]): Record<string, string> {
  const [base = '', bits = '32'] = subnet.split('/');
  const first = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const room = 2 ** (32 - Number(bits)) - 3;
  if (hosts.length > room)
    throw new OptmlError(
      'ENGINE_UNFIT',
      `The Docker engine gives its networks ranges like ${subnet}, with room for ${Math.max(0, room)} hosts, but the job has ${hosts.length}: give it larger ones ("default-address-pools" in its daemon.json), or ask for fewer instances.`,
    );
  return Object.fromEntries(hosts.map((host, index) => [host, dotted(first + 2 + index)]));
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(address / 2 ** shift) % 256).join('.');
}

function isTaken(thrown: unknown): boolean {
  return hasStatus(thrown, 400, 403, 409, 500) && /overlaps with other one/.test((thrown as Error).message);
}

function explained(thrown: unknown): unknown {
  if (thrown instanceof OptmlError || !hasStatus(thrown, 400, 403, 404, 409, 500)) return thrown;
  const { message } = thrown as Error;
  if (!/non-overlapping IPv4 address pool|fully subnetted/.test(message)) return refused(thrown);
  return new OptmlError(
    'ENGINE_UNFIT',
    'The Docker engine has no address range left for one more network, which a job of several hosts needs: remove those that nobody uses ("docker network prune").',
    { cause: thrown },
  );
}
