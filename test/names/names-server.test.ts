/** The nameserver on addresses of the loopback, before nameservers of the test's own. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { serveNames, type NamesServer } from '../../src/names/names-server.js';
import { S3_NAMES } from '../../src/names/s3-names.js';
import { afterThis } from '../harness/optml.js';

const A = 1;
const AAAA = 28;
/** Its own for each: a port that is free for one kind of socket need not be for the other. */
let servers = 0;
const PORT = 5300;

/** Where it listens. */
async function serve(
  nameservers: readonly { readonly address: string; readonly port: number }[],
): Promise<string> {
  servers += 1;
  const address = `127.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}.${servers}`;
  const server: NamesServer = await serveNames({
    address,
    port: PORT,
    names: S3_NAMES,
    nameservers: () => nameservers.map(one => one.address),
    othersPort: nameservers[0]?.port ?? 1,
  });
  afterThis(async () => server.close());
  return address;
}

test('a name of S3 has the one address, as it was asked for, and no other record', async () => {
  const address = await serve([]);
  const answer = await ask(address, 'MyBucket.s3.eu-west-1.amazonaws.com', A);
  expect(answer.readUInt16BE(0)).toBe(0x1234);
  // A response with one answer; no error.
  expect(answer.readUInt16BE(2) & 0x800f).toBe(0x8000);
  expect([4, 6, 8, 10].map(at => answer.readUInt16BE(at))).toEqual([1, 1, 0, 0]);
  expect(answer.includes('MyBucket')).toBe(true);
  expect([...answer.subarray(-4)].join('.')).toBe(address);
  const six = await ask(address, 's3.amazonaws.com', AAAA);
  expect(six.readUInt16BE(2) & 0x800f).toBe(0x8000);
  expect(six.readUInt16BE(6)).toBe(0);
});

test('what else is asked goes to the others and comes back as they say it', async () => {
  const asked: Buffer[] = [];
  const other = await nameserver('127.0.0.2', query => {
    asked.push(query);
    return Buffer.concat([query.subarray(0, 2), Buffer.from('as it is')]);
  });
  const address = await serve([other]);
  expect((await ask(address, 'sts.amazonaws.com', A)).subarray(2).toString()).toBe('as it is');
  expect(asked).toHaveLength(1);
  expect(asked[0]?.includes('sts')).toBe(true);
});

test('a nameserver that is not there is passed over', async () => {
  const there = await nameserver('127.0.0.3', query => query);
  const address = await serve([{ address: '127.0.0.4', port: there.port }, there]);
  expect((await ask(address, 'example.com', A)).readUInt16BE(0)).toBe(0x1234);
});

test('noise is no question: it is passed on, and the next one answered', async () => {
  const address = await serve([]);
  const client = createSocket('udp4');
  afterThis(async () => void client.close());
  for (const noise of ['', 'short', '\0'.repeat(11), '\xff'.repeat(40)])
    client.send(Buffer.from(noise, 'latin1'), PORT, address);
  expect((await ask(address, 's3.amazonaws.com', A)).readUInt16BE(6)).toBe(1);
});

test('by TCP the first of the others is spoken to', async () => {
  const other = createServer(socket => socket.pipe(socket)).listen(0, '127.0.0.2');
  await once(other, 'listening');
  afterThis(async () => void other.close());
  const address = await serve([{ address: '127.0.0.2', port: (other.address() as AddressInfo).port }]);
  const client = connect(PORT, address);
  client.end('question');
  const chunks: Buffer[] = [];
  for await (const chunk of client) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe('question');
});

test('a port that is taken is told', async () => {
  const address = await serve([]);
  const again = serveNames({ address, port: PORT, names: S3_NAMES, nameservers: () => [] });
  await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

async function nameserver(
  address: string,
  answer: (query: Buffer) => Buffer,
): Promise<{ address: string; port: number }> {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => socket.send(answer(query), from.port, from.address));
  await bind(socket, address);
  afterThis(async () => void socket.close());
  return { address, port: socket.address().port };
}

async function ask(address: string, name: string, type: number): Promise<Buffer> {
  const labels = name.split('.').map(label => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  const query = Buffer.concat([
    Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ...labels,
    Buffer.from([0, 0, type, 0, 1]),
  ]);
  const client = createSocket('udp4');
  const answered = once(client, 'message') as Promise<[Buffer]>;
  client.send(query, PORT, address);
  const [answer] = await answered;
  client.close();
  return answer;
}

async function bind(socket: Socket, address: string): Promise<void> {
  socket.bind(0, address);
  await once(socket, 'listening');
}
