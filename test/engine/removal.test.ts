/** What is killed and removed while the engine is slow, or lets go of it in the hands of somebody else. */
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { dockerEngine } from '../../src/engine/docker/docker-engine.js';
import type { Engine } from '../../src/engine/port.js';
import { serveAsEngine } from '../harness/engine-socket.js';

/** A status, with a body of JSON; `silence` breaks the connection off. */
type Answer = number | 'silence' | object;

interface Scripted {
  readonly engine: Engine;
  /** `METHOD path`, as they came. */
  readonly asked: readonly string[];
}

/** An engine that answers each request with the next answer of its row, and the last one of it for ever. */
async function scripted(rows: Readonly<Record<string, readonly Answer[]>>): Promise<Scripted> {
  const left = new Map(Object.entries(rows).map(([line, answers]) => [line, [...answers]]));
  const asked: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const line = `${incoming.method ?? ''} ${incoming.url?.split('?')[0] ?? ''}`;
    asked.push(line);
    const row = left.get(line) ?? [404];
    const answer = row.length > 1 ? row.shift() : row[0];
    if (answer === 'silence') return incoming.socket.destroy();
    outgoing.writeHead(typeof answer === 'number' ? answer : 200, { 'content-type': 'application/json' });
    return outgoing.end(
      answer === 204 ? undefined : JSON.stringify(typeof answer === 'number' ? {} : answer),
    );
  });
  const engine = dockerEngine({
    endpoint: { url: await serveAsEngine(server), from: 'the test' },
    mappedImages: {},
    credentials: () => Promise.resolve(undefined),
    ownsRootFiles: false,
  });
  return { engine, asked };
}

const HOST = { host: 'algo-1', container: 'c', volumes: ['v'] };
const KILL = 'POST /containers/c/kill';
const REMOVE = 'DELETE /containers/c';
const WAIT = 'POST /containers/c/wait';
const VOLUME = 'DELETE /volumes/v';

test('a kill that is not answered is tried again', async () => {
  const { engine, asked } = await scripted({ [KILL]: ['silence', 'silence', 204] });
  await engine.kill(HOST);
  expect(asked).toEqual([KILL, KILL, KILL]);
});

test('so is a removal', async () => {
  const { engine, asked } = await scripted({ [REMOVE]: ['silence', 204], [VOLUME]: [204] });
  await engine.remove(HOST);
  expect(asked.filter(line => line === REMOVE)).toHaveLength(2);
});

test('an engine that was given up gets one try, until it answers', async () => {
  const never = ['silence', 'silence', 'silence', 'silence'] as const;
  const { engine, asked } = await scripted({ [KILL]: [...never, 204, ...never], [REMOVE]: ['silence'] });
  await expect(engine.kill(HOST)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  await expect(engine.remove(HOST)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  await expect(engine.kill(HOST)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  expect(asked).toEqual([KILL, KILL, KILL, REMOVE, KILL]);
  await engine.kill(HOST);
  await expect(engine.kill(HOST)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  expect(asked.slice(5)).toEqual([KILL, KILL, KILL, KILL]);
});

test('volumes that a container is letting go of are waited for', async () => {
  const { engine, asked } = await scripted({ [REMOVE]: [409], [WAIT]: [404], [VOLUME]: [409, 409, 204] });
  await engine.remove(HOST);
  expect(asked.filter(line => line === VOLUME)).toHaveLength(3);
});

test('volumes that somebody holds are not waited for without end', async () => {
  const { engine } = await scripted({ [REMOVE]: [204], [VOLUME]: [409] });
  await expect(engine.remove(HOST)).rejects.toMatchObject({ statusCode: 409 });
});

test.each([
  ['the helper of a host', (engine: Engine) => engine.closeNames({ kind: 'helper', container: 'c' })],
  [
    'a leftover',
    async (engine: Engine) => {
      for (const leftover of await engine.leftovers(new AbortController().signal)) await leftover.remove();
    },
  ],
])('%s that somebody else is removing is gone before its removal is said to be', async (_, remove) => {
  const { engine, asked } = await scripted({
    'GET /containers/json': [[{ Id: 'c', Labels: {} }]],
    'GET /networks': [[]],
    'GET /volumes': [{ Volumes: [] }],
    [REMOVE]: [409],
    [WAIT]: [{ StatusCode: 137 }],
  });
  await remove(engine);
  expect(asked.slice(-2)).toEqual([REMOVE, WAIT]);
});
