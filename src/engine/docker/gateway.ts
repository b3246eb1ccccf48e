/** Where containers of a network find the machine that their engine runs on. */
import { createServer, isIPv4 } from 'node:net';

interface Network {
  readonly IPAM?: { readonly Config?: readonly AddressRange[] | null } | null;
}

interface AddressRange {
  readonly Subnet?: string;
  readonly Gateway?: string;
}

/** Of what the engine says of a network; engines leave the gateway out when it is the first address. Null without IPv4. */
export function gatewayOf(network: unknown): string | null {
  const ranges = (network as Network).IPAM?.Config ?? [];
  const range = ranges.find(one => isIPv4((one.Subnet ?? '').split('/')[0] ?? ''));
  if (range?.Subnet === undefined) return null;
  if (range.Gateway !== undefined && range.Gateway !== '') return range.Gateway;
  const [address = ''] = range.Subnet.split('/');
  return address.replace(/\d+$/, last => String(Number(last) + 1));
}

/** An interface without a container has no carrier, and lists of interfaces leave it out; only listening tells. */
export async function isOwnAddress(address: string): Promise<boolean> {
  const server = createServer();
  return new Promise(resolve => {
    server.once('error', () => resolve(false));
    server.listen(0, address, () => server.close(() => resolve(true)));
  });
}
