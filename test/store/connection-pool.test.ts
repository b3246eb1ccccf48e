/** Exchanges over kept connections, against a server whose every byte is written here. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createConnectionPool } from '../../src/store/s3/connection-pool.js';
import { openConnection } from '../../src/store/s3/kept-connection.js';
import type { End } from '../../src/store/s3/running-exchange.js';
import type { Answer, Exchange, Sink, Transport } from '../../src/store/s3/transport.js';

const NEVER = new AbortController().signal;
const LIMITS = { connections: 4, connectMs: 5_000, firstByteMs: 30_000, idleMs: 30_000 };

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** `answer` gets each request with the count of requests on its connection, from 1. */
async function serve(
  answer: (
    socket: Socket,
    request: { readonly path: string; readonly nth: number; readonly body: string },
  ) => void,
): Promise<{ readonly origin: string; readonly connections: () => number; readonly sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer(socket => {
    sockets.push(socket);
    let nth = 0;
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', chunk => {
      text += chunk.toString();
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end + 4);
        const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
        if (text.length < head.length + length) return;
        const body = text.slice(head.length, head.length + length);
        text = text.slice(head.length + length);
        answer(socket, { path: head.split(' ')[1] ?? '', nth: ++nth, body });
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, connections: () => sockets.length, sockets };
}

function pool(limits: Partial<typeof LIMITS> = {}): Transport {
  const made = createConnectionPool({ ...LIMITS, ...limits });
  ends.push(() => made.close());
  return made;
}

interface Got {
  readonly answer: Answer;
  readonly text: string;
}

async function get(
  gets: Transport,
  origin: string,
  {
    path = '/',
    signal = NEVER,
    sink = {},
    ...limit
  }: { path?: string; signal?: AbortSignal; sink?: Partial<Sink>; firstByteMs?: number } = {},
): Promise<Got> {
  const chunks: Buffer[] = [];
  const answer = await gets.exchange({
    origin,
    path,
    method: 'GET',
    headers: {},
    signal,
    ...limit,
    sink: {
      onHead: () => undefined,
      onChunk(chunk) {
        chunks.push(Buffer.from(chunk));
        return undefined;
      },
      ...sink,
    },
  });
  return { answer, text: Buffer.concat(chunks).toString() };
}

const ok = (body: string, more = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

function writeInPieces(socket: Socket, text: string, size: number): void {
  socket.setNoDelay(true);
  const next = (at: number): void => {
    if (at < text.length) socket.write(text.slice(at, at + size), () => setImmediate(next, at + size));
  };
  next(0);
}

test('one connection serves one request after the other, and as many as are wanted at once are opened', async () => {
  const server = await serve((socket, { path, nth }) => socket.write(ok(`${path} ${nth}`)));
  const gets = pool();
  expect((await get(gets, server.origin, { path: '/a' })).text).toBe('/a 1');
  expect((await get(gets, server.origin, { path: '/b' })).text).toBe('/b 2');
  expect(server.connections()).toBe(1);
  const paths = Array.from({ length: 20 }, (_, index) => `/${index}`);
  const texts = await Promise.all(paths.map(path => get(gets, server.origin, { path })));
  expect(texts.map(({ text }) => text.split(' ')[0])).toEqual(paths);
  expect(server.connections()).toBe(4);
});

test('a connection that the server gave up while it lay idle costs nothing but a new one', async () => {
  const server = await serve((socket, { nth }) => {
    // As a server whose time for idle connections is over just when the next request comes.
    if (nth === 1) socket.write(ok('first'));
    else socket.destroy();
  });
  const gets = pool();
  expect((await get(gets, server.origin)).text).toBe('first');
  expect((await get(gets, server.origin)).text).toBe('first');
  expect(server.connections()).toBe(2);
});

test('a new connection that ends without an answer is an error, as is an answer that breaks off on a kept one', async () => {
  const dead = await serve(socket => socket.destroy());
  await expect(get(pool(), dead.origin)).rejects.toMatchObject({
    code: expect.stringMatching(/^(ConnectionEnded|ECONNRESET)$/) as string,
  });
  const server = await serve((socket, { nth }) => {
    if (nth === 1) socket.write(ok('first'));
    else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
  });
  const gets = pool();
  await get(gets, server.origin);
  await expect(get(gets, server.origin)).rejects.toMatchObject({ code: 'ConnectionEnded' });
  expect(server.connections()).toBe(1);
});

test('nothing is sent on a connection whose answer said close, was of HTTP/1.0, or brought more than it announced', async () => {
  const answers = [
    ok('first', 'Connection: Close\r\n'),
    ok('first').replace('1.1', '1.0'),
    `${ok('first')}HTTP/1.1 200 OK\r\n`,
  ];
  for (const answer of answers) {
    const server = await serve(socket => socket.write(answer));
    const gets = pool();
    expect((await get(gets, server.origin)).text).toBe('first');
    expect((await get(gets, server.origin)).text).toBe('first');
    expect(server.connections()).toBe(2);
  }
});

test('an answer may come in any pieces, and behind an interim one', async () => {
  const text = `HTTP/1.1 100 Continue\r\n\r\n${ok('body', 'X-A: 1\r\nX-A: 2\r\n')}`;
  for (let size = 1; size < text.length; size += 3) {
    const server = await serve(socket => writeInPieces(socket, text, size));
    const { answer, text: got } = await get(pool(), server.origin);
    expect(got).toBe('body');
    expect(answer.headers['x-a']).toEqual(['1', '2']);
  }
});

test.each([
  ['of a length', `Content-Length: 9\r\n\r\n<Error/>\n`, false],
  [
    'in chunks, on a connection that stays open',
    `Transfer-Encoding: chunked\r\n\r\n4\r\n<Err\r\n5\r\nor/>\n\r\n0\r\n\r\n`,
    false,
  ],
  ['up to the end of the connection', `\r\n<Error/>\n`, true],
])('the body of an error is collected: %s', async (_what, rest, closes) => {
  const server = await serve(socket => {
    socket.write(`HTTP/1.1 404 Not Found\r\n${rest}`);
    if (closes) socket.end();
  });
  const { answer, text } = await get(pool(), server.origin);
  expect(text).toBe('');
  expect(answer.status).toBe(404);
  expect(answer.body.toString()).toBe('<Error/>\n');
});

test('bytes are put over the same connections; an error ends its own', async () => {
  const bodies: string[] = [];
  const server = await serve((socket, { path, body }) => {
    bodies.push(body);
    socket.write(
      path === '/bad'
        ? 'HTTP/1.1 400 Bad Request\r\nContent-Length: 8\r\n\r\n<Error/>'
        : 'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 0\r\n\r\n',
    );
  });
  const puts = pool();
  const put = (path: string, body: Buffer): Promise<Answer> =>
    puts.exchange({ origin: server.origin, path, method: 'PUT', headers: {}, body, signal: NEVER });
  const large = 'x'.repeat(256 * 1024);
  expect((await put('/a', Buffer.from('first'))).headers['etag']).toBe('"e"');
  expect((await put('/b', Buffer.alloc(0))).status).toBe(200);
  expect((await put('/c', Buffer.from(large))).status).toBe(200);
  expect(server.connections()).toBe(1);
  const bad = await put('/bad', Buffer.from('x'));
  expect([bad.status, bad.body.toString()]).toEqual([400, '<Error/>']);
  expect((await put('/d', Buffer.from('last'))).status).toBe(200);
  expect(server.connections()).toBe(2);
  expect(bodies).toEqual(['first', '', large, 'x', 'last']);
});

test('a body in chunks is the same in whatever pieces it comes, and its connection serves on', async () => {
  const text =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nfir\r\nC\r\nst\r\nand last\r\n0\r\nX-Sum: 1\r\n\r\n';
  for (let size = 1; size < text.length; size += 5) {
    const server = await serve(socket => writeInPieces(socket, text, size));
    const gets = pool();
    expect((await get(gets, server.origin)).text).toBe('first\r\nand last');
    expect((await get(gets, server.origin)).text).toBe('first\r\nand last');
    expect(server.connections()).toBe(1);
  }
});

test.each([
  ['a size that is none', 'x\r\n'],
  ['a size without an end', '1;'.padEnd(20_000, 'x')],
  ['a chunk that is longer than it says', '1\r\nab\r\n0\r\n\r\n'],
])('chunks that are damaged are an error: %s', async (_what, chunks) => {
  const server = await serve(socket =>
    socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`),
  );
  await expect(get(pool(), server.origin)).rejects.toMatchObject({ code: 'NotHttp' });
});

test('a body of no length ends with its connection; one in chunks does not', async () => {
  const plain = await serve(socket => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'));
  expect((await get(pool(), plain.origin)).text).toBe('all of it');
  const cut = await serve(socket =>
    socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'),
  );
  await expect(get(pool(), cut.origin)).rejects.toMatchObject({ code: 'ConnectionEnded' });
});

test('a length that is no number is an error', async () => {
  const server = await serve(socket => socket.end('HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nbody'));
  await expect(get(pool(), server.origin)).rejects.toMatchObject({ code: 'NotHttp' });
});

test('answers that have no body by their nature are not waited for, and keep their connection', async () => {
  const server = await serve((socket, { path }) =>
    socket.write(
      path === '/head' ? ok('first').replace('first', '') : 'HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n',
    ),
  );
  const all = pool();
  const common = { origin: server.origin, headers: {}, signal: NEVER };
  const head = await all.exchange({ ...common, path: '/head', method: 'HEAD' });
  expect([head.status, head.headers['content-length']]).toEqual([200, '5']);
  expect((await all.exchange({ ...common, path: '/gone', method: 'DELETE' })).status).toBe(204);
  expect(server.connections()).toBe(1);
});

test('a body for no sink may have mebibytes', async () => {
  const page = '<Contents/>'.repeat(400_000);
  const server = await serve(socket => socket.write(ok(page)));
  const { body } = await pool().exchange({
    ...{ origin: server.origin, path: '/', method: 'GET', headers: {}, signal: NEVER },
  });
  expect(body.toString() === page).toBe(true);
});

test('a large body arrives whole; an answer before its end is heard', async () => {
  const large = Buffer.alloc(8 * 1024 * 1024, 'x');
  const whole = await serve((socket, { body }) =>
    socket.write(ok(String(body.length === large.length && /^x*$/.test(body)))),
  );
  const put = (origin: string): Promise<Answer> =>
    pool().exchange({ origin, path: '/', method: 'PUT', headers: {}, body: large, signal: NEVER });
  expect((await put(whole.origin)).body.toString()).toBe('true');

  const hasty = createServer(socket => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\n<Error/>');
    });
  }).listen(0, '127.0.0.1');
  await once(hasty, 'listening');
  ends.push(() => hasty.close());
  const refused = await put(`http://127.0.0.1:${(hasty.address() as AddressInfo).port}`);
  expect([refused.status, refused.body.toString()]).toEqual([403, '<Error/>']);
});

test('a large body that is not taken ends at the limit on the first byte, or with the signal', async () => {
  const sockets: Socket[] = [];
  const deaf = createServer(socket => {
    sockets.push(socket.on('error', () => undefined).pause());
  }).listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  ends.push(() => {
    deaf.close();
    for (const socket of sockets) socket.destroy();
  });
  const put = (end: Pick<Exchange, 'signal' | 'firstByteMs'>): Promise<Answer> =>
    pool().exchange({
      ...{ origin: `http://127.0.0.1:${(deaf.address() as AddressInfo).port}`, path: '/', method: 'PUT' },
      ...{ headers: {}, body: Buffer.alloc(64 * 1024 * 1024), ...end },
    });
  await expect(put({ signal: NEVER, firstByteMs: 200 })).rejects.toMatchObject({ code: 'AnswerTimeout' });
  const stop = new AbortController();
  const cut = put({ signal: stop.signal });
  while (sockets.length < 2) await new Promise(resolve => setImmediate(resolve));
  stop.abort(new Error('stopped'));
  await expect(cut).rejects.toThrow('stopped');
});

test('a POST on a connection that the server gave up is not sent a second time', async () => {
  const server = await serve((socket, { nth }) => {
    if (nth === 1) socket.write(ok('first'));
    else socket.destroy();
  });
  const all = pool();
  await get(all, server.origin);
  const post = all.exchange({
    ...{ origin: server.origin, path: '/', method: 'POST', headers: {}, signal: NEVER },
  });
  await expect(post).rejects.toMatchObject({
    code: expect.stringMatching(/^(ConnectionEnded|ECONNRESET)$/) as string,
  });
  expect(server.connections()).toBe(1);
});

test('what the sink throws cuts the connection and comes through', async () => {
  const server = await serve(socket => socket.write(ok('first')));
  const gets = pool();
  const sink = {
    onChunk: () => {
      throw new Error('the disk is full');
    },
  };
  await expect(get(gets, server.origin, { sink })).rejects.toThrow('the disk is full');
  expect((await get(gets, server.origin)).text).toBe('first');
  expect(server.connections()).toBe(2);
});

test('a sink that is busy holds the sender back', async () => {
  const large = 'x'.repeat(64 * 1024 * 1024);
  let sent = false;
  const server = await serve(socket => socket.write(ok(large), () => (sent = true)));
  let came = 0;
  let first = true;
  let goOn: () => void = () => undefined;
  const waiting = new Promise<void>(resolve => (goOn = resolve));
  const taken = new Promise<void>(began => {
    void get(pool(), server.origin, {
      sink: {
        onChunk(chunk) {
          came += chunk.length;
          if (!first) return undefined;
          first = false;
          return waiting;
        },
      },
    }).then(() => began());
  });
  while (server.sockets[0] === undefined || came === 0) await new Promise(resolve => setImmediate(resolve));
  // The system's own buffers take a few mebibytes, never all of it.
  for (let turns = 0; turns < 1_000; turns += 1) await new Promise(resolve => setImmediate(resolve));
  expect(sent).toBe(false);
  expect(came).toBeLessThan(large.length);
  goOn();
  await taken;
  expect(came).toBe(large.length);
});

test('a signal ends a request that runs, and one that waits for a connection; the next in line is served', async () => {
  const held: (() => void)[] = [];
  const server = await serve((socket, { path }) => {
    if (path === '/held') held.push(() => socket.write(ok('held')));
    else socket.write(ok(path));
  });
  const gets = pool({ connections: 1 });
  const stop = new AbortController();
  const running = get(gets, server.origin, { path: '/held' });
  const waiting = get(gets, server.origin, { path: '/waiting', signal: stop.signal });
  const next = get(gets, server.origin, { path: '/next' });
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  while (held.length === 0) await new Promise(resolve => setImmediate(resolve));
  held[0]?.();
  expect((await running).text).toBe('held');
  expect((await next).text).toBe('/next');
  const late = new AbortController();
  const cut = get(gets, server.origin, { path: '/held', signal: late.signal });
  while (held.length === 1) await new Promise(resolve => setImmediate(resolve));
  late.abort(new Error('stopped'));
  await expect(cut).rejects.toThrow('stopped');
  expect((await get(gets, server.origin, { path: '/after' })).text).toBe('/after');
});

test('one that waits is not begun when it is called off together with the one before it', async () => {
  const asked: string[] = [];
  const server = await serve((socket, { path }) => {
    asked.push(path);
    if (path !== '/held') socket.write(ok(path));
  });
  const gets = pool({ connections: 1 });
  const stop = new AbortController();
  const both = ['/held', '/waiting'].map(path => get(gets, server.origin, { path, signal: stop.signal }));
  const next = get(gets, server.origin, { path: '/next' });
  while (asked.length === 0) await new Promise(resolve => setImmediate(resolve));
  stop.abort(new Error('stopped'));
  for (const one of both) await expect(one).rejects.toThrow('stopped');
  expect((await next).text).toBe('/next');
  expect(asked).toEqual(['/held', '/next']);
});

test('bytes that come before a request has gone are not its answer', async () => {
  const server = await serve(socket => socket.write(ok('right')));
  const sends: (() => void)[] = [];
  const { origin } = server;
  const connection = openConnection({
    ...LIMITS,
    origin,
    buffer: Buffer.alloc(1024),
    soon: send => sends.push(send),
    onGone: () => undefined,
  });
  const ask = (): Promise<End> =>
    new Promise(done => {
      connection.exchange({ origin, path: '/', method: 'DELETE', headers: {}, signal: NEVER }, done);
    });
  expect(await ask()).toMatchObject({ answer: { status: 200 } });
  const second = ask();
  server.sockets[0]?.write(ok('of nobody'));
  expect(await second).toMatchObject({ unanswered: true });
  expect(sends).toHaveLength(1);
});

test('the limit of an idle connection may run out just when something is asked: it is asked on another one', async () => {
  const server = await serve(socket => socket.write(ok('right')));
  const { origin } = server;
  const connection = openConnection({
    ...LIMITS,
    idleMs: 50,
    origin,
    buffer: Buffer.alloc(1024),
    soon: () => undefined,
    onGone: () => undefined,
  });
  const ask = (): Promise<End> =>
    new Promise(done => {
      connection.exchange({ origin, path: '/', method: 'DELETE', headers: {}, signal: NEVER }, done);
    });
  expect(await ask()).toMatchObject({ answer: { status: 200 } });
  expect(await ask()).toMatchObject({ thrown: { code: 'ConnectionEnded' }, unanswered: true });
});

test('silence ends at the limit, also on a kept connection, and is not asked again', async () => {
  const requests: string[] = [];
  const server = await serve((socket, { path, nth }) => {
    requests.push(path);
    if (nth === 1) socket.write(ok('first'));
  });
  const gets = pool();
  await get(gets, server.origin, { path: '/first' });
  await expect(get(gets, server.origin, { path: '/silent', firstByteMs: 200 })).rejects.toMatchObject({
    code: 'AnswerTimeout',
  });
  // What was sent may still be on its way.
  while (requests.length < 2) await new Promise(resolve => setImmediate(resolve));
  expect(requests).toEqual(['/first', '/silent']);
});

test('what is no HTTP, and a head without an end, are errors', async () => {
  const other = await serve(socket => socket.write('SSH-2.0-OpenSSH\r\n\r\n'));
  await expect(get(pool(), other.origin)).rejects.toMatchObject({ code: 'NotHttp' });
  const endless = await serve(socket => socket.write(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`));
  await expect(get(pool(), endless.origin)).rejects.toMatchObject({ code: 'HeadTooLong' });
  const never = await serve(socket => socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(60_000)));
  await expect(get(pool(), never.origin)).rejects.toMatchObject({ code: 'NotHttp' });
});

test('a value that would break the request is refused', async () => {
  const server = await serve(socket => socket.write(ok('first')));
  const exchange = pool().exchange({
    origin: server.origin,
    path: '/',
    method: 'GET',
    headers: { 'if-match': '"a"\r\nX-Evil: 1' },
    signal: NEVER,
    sink: { onHead: () => undefined, onChunk: () => undefined },
  });
  // It may be a secret.
  await expect(exchange).rejects.toMatchObject({
    code: 'BadHeader',
    message: expect.not.stringContaining('Evil') as string,
  });
});

test('closing ends what runs and what waits', async () => {
  const server = await serve(() => undefined);
  const gets = pool({ connections: 1 });
  const both = [get(gets, server.origin), get(gets, server.origin)];
  while (server.connections() === 0) await new Promise(resolve => setImmediate(resolve));
  gets.close();
  for (const one of both) await expect(one).rejects.toMatchObject({ code: 'INTERNAL' });
  await expect(get(gets, server.origin)).rejects.toMatchObject({ code: 'INTERNAL' });
});
