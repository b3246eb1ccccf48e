/** Network isolation (contract §1.16): no way out, to no address of this machine either, and no keys; peers are reached. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { bridgeGateway } from '../harness/engine.js';
import { runJob, type EndedJob } from '../harness/job.js';
import { afterThis, scratch } from '../harness/optml.js';
import { asOrdinaryUser } from '../harness/ordinary-user.js';
import { inputAt, processingJob } from '../harness/processing.js';
import { channel, putObject, shell, shellJob, type Request } from '../harness/requests.js';

const IMAGE = 'optml-demo:latest';

/** Prints what a host sees around itself. Every host listens until it has heard from all, itself included. */
const LOOK = `
import json, os, pathlib, socket, time
from concurrent.futures import ThreadPoolExecutor

def reaches(address, port):
    try:
        socket.create_connection((address, port), timeout=3).close()
        return True
    except OSError:
        return False

def resolves(name):
    try:
        return bool(socket.getaddrinfo(name, 80))
    except OSError:
        return False

def rows(file):
    return [row for row in pathlib.Path("/proc/net", file).read_text().splitlines() if "eth" in row]

def gateways():
    found = [int(row.split()[2], 16) for row in rows("route")]
    return {socket.inet_ntoa(address.to_bytes(4, "little")) for address in found if address}

def opens_the_store(name):
    return "ENDPOINT_URL" in name or "ACCESS_KEY" in name or "CREDENTIALS" in name

peers = [host for host in ("algo-1", "algo-2") if resolves(host)]
server = socket.create_server(("", 8080))
for peer in peers:
    while not reaches(peer, 8080):
        time.sleep(0.1)
for _ in peers:
    server.accept()

addresses = sorted({*os.environ["ADDRESSES"].split(), *gateways()})
with ThreadPoolExecutor() as pool:
    reached = list(pool.map(lambda address: reaches(address, int(os.environ["PORT"])), addresses))
print(json.dumps({
    "peers": len(peers),
    "addresses": [address for address, yes in zip(addresses, reached) if yes],
    "name": resolves("no-such-name.invalid"),
    "keys": len([name for name in os.environ if opens_the_store(name)]),
    "interfaces": len(rows("dev")),
    "ipv6": len(rows("if_inet6")),
}))
`;

const CLOSED = { addresses: [], name: false, keys: 0, ipv6: 0 };
const ALONE = { ...CLOSED, peers: 1, interfaces: 0 };
const WITH_A_PEER = { ...CLOSED, peers: 2, interfaces: 1 };

test('a host that is not isolated reaches this machine, by any of its addresses', async () => {
  const { home, Environment } = await prepared();
  const ended = await runJob(training(1, { Environment }), { home });
  const addresses = Environment.ADDRESSES.split(' ').sort();
  expect(seenBy(ended, 1)).toEqual([{ addresses, name: false, keys: 4, ipv6: 0, peers: 1, interfaces: 1 }]);
});

describe.each([
  [1, ALONE],
  [2, WITH_A_PEER],
])('isolated, %d in number', (count, sees) => {
  const all = Array.from({ length: count }, () => sees);

  test('training', async () => {
    const { home, Environment } = await prepared();
    const ended = await runJob(training(count, { Environment, EnableNetworkIsolation: true }), { home });
    expect(seenBy(ended, count)).toEqual(all);
  });

  test('training, for an ordinary user', async () => {
    const { home, Environment } = await prepared();
    const request = training(count, { Environment, EnableNetworkIsolation: true });
    expect(seenBy(await runJob(request, await asOrdinaryUser(home)), count)).toEqual(all);
  });

  test('processing', async () => {
    const { home, Environment } = await prepared();
    const ended = await runJob(processing(count, { Environment }), { home });
    expect(seenBy(ended, count)).toEqual(all);
  });
});

function training(count: number, members: Request): Request {
  return shellJob('', {
    ...shell('python3 /opt/ml/input/data/code/look.py', { TrainingImage: IMAGE }),
    InputDataConfig: [channel('code', 's3://data/code/')],
    ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: count, VolumeSizeInGB: 10 },
    ...members,
  });
}

function processing(count: number, members: Request): Request {
  return processingJob([], {
    AppSpecification: {
      ImageUri: IMAGE,
      ContainerEntrypoint: ['python3', '/opt/ml/processing/code/look.py'],
    },
    ProcessingInputs: [inputAt('code', 's3://data/code/')],
    ProcessingResources: {
      ClusterConfig: { InstanceType: 'ml.m5.large', InstanceCount: count, VolumeSizeInGB: 10 },
    },
    NetworkConfig: { EnableNetworkIsolation: true },
    ...members,
  });
}

/** A home with the script in its store, and a server that listens on every address of this machine. */
async function prepared(): Promise<{
  readonly home: string;
  readonly Environment: { readonly ADDRESSES: string; readonly PORT: string };
}> {
  const home = await scratch('home');
  await putObject(home, 's3://data/code/look.py', LOOK);
  const server = createServer(socket => socket.destroy()).listen(0, '0.0.0.0');
  await once(server, 'listening');
  afterThis(async () => {
    server.close();
    await once(server, 'close');
  });
  const gateway = await bridgeGateway();
  const own = Object.entries(networkInterfaces())
    // Those of other jobs come and go.
    .flatMap(([name, addresses = []]) => (/^(br-|veth)/.test(name) ? [] : addresses))
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address);
  return {
    home,
    Environment: {
      ADDRESSES: [...new Set([gateway, ...own])].join(' '),
      PORT: String((server.address() as AddressInfo).port),
    },
  };
}

/** A host prints nothing else. */
function seenBy({ status, stderr, logOf }: EndedJob, count: number): unknown[] {
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });
  return Array.from({ length: count }, (_, index) => logOf(`algo-${index + 1}`).map(asJson)).flat();
}

function asJson(line: string): unknown {
  return JSON.parse(line);
}
