/**
 * Answers the names that match a pattern with one address, and asks others for all others. Two run it: the process of a job, at
 * an address of its own machine, and a helper in the network of a host, which is started inside an image that has nothing, from
 * the text of this file alone. So it imports Node only.
 */
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, isIP, isIPv6, type AddressInfo, type Server, type Socket } from 'node:net';

const DNS = 53;
const HTTPS = 443;
const RESOLVER = '/etc/resolv.conf';
/** A nameserver that says nothing for so long is given up, and the next one asked. */
const SILENCE_MS = 2_000;

export interface NamesServer {
  close(): void;
}

export interface NamesToServe {
  /** IPv4; listened on, and the answer. */
  readonly address: string;
  /** The source of a regular expression for names in lower case. */
  readonly names: string;
  /** The addresses of those who know all other names; asked for at each question. */
  readonly nameservers: () => readonly string[];
  /** Ports are those of DNS by default. */
  readonly port?: number;
  readonly othersPort?: number;
}

/** Throws what listening throws, as EACCES and EADDRINUSE. */
export async function serveNames({
  address,
  names,
  nameservers,
  port = DNS,
  othersPort = DNS,
}: NamesToServe): Promise<NamesServer> {
  const ours = new RegExp(names);
  const server = createSocket('udp4');
  server.on('message', (query, { address: from, port: back }) => {
    const say = (answer: Buffer): void => server.send(answer, back, from, () => undefined);
    const own = ownAnswer(query, { ours, address });
    if (own !== null) say(own);
    else askOthers(query, { hosts: nameservers(), port: othersPort }, say);
  });
  // Only for answers that do not fit into a packet, which are those of others.
  const long = forwarder(() => ({ host: nameservers()[0] ?? address, port: othersPort }));
  try {
    await bound(server, address, port);
    await listening(long, address, server.address().port);
  } catch (thrown) {
    server.close();
    throw thrown;
  }
  return {
    close() {
      server.close();
      long.close();
    },
  };
}

/** The nameservers that this machine, or this container, asks by itself. */
export function systemNameservers(): string[] {
  try {
    return nameserversIn(readFileSync(RESOLVER, 'utf8'));
  } catch {
    return [];
  }
}

/**
 * What the helper does: names that match lead to `address`, which is the host's own, and what connects to its HTTPS port is
 * brought to `leadsTo`. The host looks here for names from the moment at which `ready` is said.
 */
export async function holdNames({
  address,
  names,
  leadsTo,
}: {
  readonly address: string;
  readonly names: string;
  readonly leadsTo: { readonly host: string; readonly port: number };
}): Promise<void> {
  const before = readFileSync(RESOLVER, 'utf8');
  const others = nameserversIn(before);
  await serveNames({ address, names, nameservers: () => others });
  await listening(
    forwarder(() => leadsTo),
    address,
    HTTPS,
  );
  writeFileSync(RESOLVER, `nameserver ${address}\n${before.replaceAll(/^\s*nameserver\b.*\n?/gm, '')}`);
  process.stdout.write('ready\n');
}

function nameserversIn(text: string): string[] {
  const found = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, one = '']) => one);
  return found.filter(one => isIP(withoutZone(one)) !== 0);
}

function withoutZone(address: string): string {
  return address.replace(/%.*/, '');
}

async function bound(socket: Datagrams, address: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, () => {
      // What is wrong with one answer is no reason to end.
      socket.off('error', reject).on('error', () => undefined);
      resolve();
    });
  });
}

async function listening(server: Server, address: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => resolve(server.address() as AddressInfo));
  });
}

/** Both ways, each to its own end. */
function forwarder(target: () => { readonly host: string; readonly port: number }): Server {
  return createServer({ allowHalfOpen: true, noDelay: true }, (client: Socket) => {
    const other = connect({ ...target(), allowHalfOpen: true, noDelay: true });
    client.pipe(other).pipe(client);
    for (const [one, peer] of [
      [client, other],
      [other, client],
    ] as const) {
      one.on('error', () => peer.destroy());
      one.on('close', () => peer.destroy());
    }
  });
}

/** https://www.rfc-editor.org/rfc/rfc1035#section-4: the address where one is asked for, else nothing. Null: others know. */
function ownAnswer(
  query: Buffer,
  { ours, address }: { readonly ours: RegExp; readonly address: string },
): Buffer | null {
  const question = questionOf(query);
  if (question === null || !ours.test(question.name.toLowerCase())) return null;
  const wantsAddress = question.type === 1 || question.type === 255;
  const head = Buffer.from(query.subarray(0, 12));
  // A response, of a server that has the last word and would ask others; RD as it was, no error.
  head.writeUInt16BE(0x8480 | (head.readUInt16BE(2) & 0x0100), 2);
  for (const [at, count] of [1, wantsAddress ? 1 : 0, 0, 0].entries()) head.writeUInt16BE(count, 4 + 2 * at);
  // The name of the question, A, IN, for a minute, four bytes.
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]);
  return Buffer.concat([head, query.subarray(12, question.end), ...(wantsAddress ? [record] : [])]);
}

/** Null for what is no plain question of one name. */
function questionOf(query: Buffer): { name: string; type: number; end: number } | null {
  if (query.length < 12 || (query.readUInt16BE(2) & 0xf800) !== 0 || query.readUInt16BE(4) !== 1) return null;
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]; length !== undefined && length !== 0; length = query[at]) {
    if (length > 63) return null;
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5;
  return end > query.length ? null : { name: labels.join('.'), type: query.readUInt16BE(at + 1), end };
}

/** One after the other; the first answer counts. */
function askOthers(
  query: Buffer,
  { hosts: [host, ...rest], port }: { readonly hosts: readonly string[]; readonly port: number },
  say: (answer: Buffer) => void,
): void {
  if (host === undefined) return;
  const socket = createSocket(isIPv6(withoutZone(host)) ? 'udp6' : 'udp4');
  let over = false;
  const end = (): boolean => {
    if (over) return false;
    over = true;
    clearTimeout(silence);
    socket.close();
    return true;
  };
  const giveUp = (): void => {
    if (end()) askOthers(query, { hosts: rest, port }, say);
  };
  const silence = setTimeout(giveUp, SILENCE_MS);
  socket.on('error', giveUp);
  socket.on('message', answer => {
    if (answer.length < 2 || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return;
    if (end()) say(answer);
  });
  socket.connect(port, host, () => {
    if (!over) socket.send(query);
  });
}
