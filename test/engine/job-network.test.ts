/** Addresses of hosts, and networks that another job takes away between two requests. */
import type Docker from 'dockerode';
import { expect, test } from 'vitest';
import { addressesIn, openNetwork } from '../../src/engine/docker/job-network.js';

const LABELS = { job: 'j', run: 'j-1', host: '', owner: 'o' };

test('the first address is the gateway; hosts follow, also over the end of a byte', () => {
  expect(addressesIn('172.18.0.0/16', ['algo-1', 'algo-2'])).toEqual({
    'algo-1': '172.18.0.2',
    'algo-2': '172.18.0.3',
  });
  const many = Array.from({ length: 300 }, (_, index) => `algo-${index + 1}`);
  expect(addressesIn('192.168.16.0/20', many)['algo-300']).toBe('192.168.17.45');
});

test('a range without room for all hosts is refused with its size', () => {
  const hosts = Array.from({ length: 14 }, (_, index) => `algo-${index + 1}`);
  expect(addressesIn('10.0.0.16/28', hosts.slice(1))['algo-14']).toBe('10.0.0.30');
  expect(() => addressesIn('10.0.0.16/28', hosts)).toThrow(/room for 13 hosts, but the job has 14/);
});

/** An engine whose ranges somebody takes `taken` times in the moment in which they are free. */
function engine(taken: number, message: string): { readonly docker: Docker; readonly ranges: string[] } {
  const ranges: string[] = [];
  const createNetwork = ({ IPAM }: Docker.NetworkCreateOptions) => {
    if (IPAM === undefined) return Promise.resolve({ id: 'range' });
    ranges.push(IPAM.Config?.[0]?.['Subnet'] ?? '');
    if (ranges.length > taken) return Promise.resolve({ id: 'network' });
    return Promise.reject(Object.assign(new Error(message), { statusCode: 403, json: { message } }));
  };
  const getNetwork = () => ({
    inspect: () => Promise.resolve({ IPAM: { Config: [{ Subnet: `172.${20 + ranges.length}.0.0/16` }] } }),
    remove: () => Promise.resolve(),
  });
  return { docker: { createNetwork, getNetwork } as unknown as Docker, ranges };
}

const PEERS = { kind: 'peers', hosts: ['algo-1', 'algo-2'] } as const;

test('a range that another job took meanwhile is left to it', async () => {
  const { docker, ranges } = engine(2, 'Pool overlaps with other one on this address space');
  expect(await openNetwork(docker, PEERS, LABELS)).toEqual({
    kind: 'peers',
    id: 'network',
    addresses: { 'algo-1': '172.22.0.2', 'algo-2': '172.22.0.3' },
  });
  expect(ranges).toHaveLength(3);
});

test('an engine without a free range says how to get one', async () => {
  const { docker } = engine(1, 'could not find an available, non-overlapping IPv4 address pool');
  await expect(openNetwork(docker, PEERS, LABELS)).rejects.toMatchObject({
    code: 'ENGINE_UNFIT',
    message: expect.stringContaining('docker network prune') as unknown,
  });
});
