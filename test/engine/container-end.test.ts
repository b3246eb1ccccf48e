/** The end of a container, from an engine that is slow, silent, or was told by somebody else to remove it. */
import type Docker from 'dockerode';
import { expect, test } from 'vitest';
import { patiently } from '../../src/engine/docker/asking.js';
import { containerEnd } from '../../src/engine/docker/container-end.js';

const HOST = { container: 'c', host: 'algo-1' };
const EXITED = { State: { ExitCode: 3, OOMKilled: false, Dead: false, Status: 'exited' } };

interface Answers {
  readonly wait?: () => Promise<unknown>;
  readonly inspect?: () => Promise<unknown>;
  readonly ping?: () => Promise<unknown>;
}

function engine({ wait = done, inspect = () => Promise.resolve(EXITED), ping = done }: Answers): Docker {
  return { getContainer: () => ({ wait, inspect }), ping } as unknown as Docker;
}

const done = (): Promise<unknown> => Promise.resolve();

const fault = (members: object): Error => Object.assign(new Error('no'), members);

/** Fails so often, then answers. */
function after<T>(faults: readonly Error[], answer: T): () => Promise<T> {
  const left = [...faults];
  return () => {
    const next = left.shift();
    return next === undefined ? Promise.resolve(answer) : Promise.reject(next);
  };
}

test('an answer that is slow once does not cost the exit status', async () => {
  const inspect = after([fault({ code: 'ABORT_ERR' }), fault({ code: 'ECONNRESET' })], EXITED);
  expect(await containerEnd(engine({ inspect }), HOST)).toEqual({ code: 3, outOfMemory: false });
});

test('one lost ping does not make an engine a lost one', async () => {
  let pings = 0;
  let end: () => void = () => undefined;
  const ended = new Promise<void>(resolve => (end = resolve));
  const ping = (): Promise<void> => {
    pings += 1;
    if (pings === 1) return Promise.reject(fault({ code: 'ABORT_ERR' }));
    end();
    return Promise.resolve();
  };
  expect(await containerEnd(engine({ wait: () => ended, ping }), HOST)).toEqual({
    code: 3,
    outOfMemory: false,
  });
});

test('an engine that says nothing to any ping is lost, whatever was waited for', async () => {
  const ping = (): Promise<never> => Promise.reject(fault({ code: 'ECONNREFUSED' }));
  const never = new Promise(() => undefined);
  await expect(containerEnd(engine({ wait: () => never, ping }), HOST)).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});

test.each([
  ['before it was waited for', { wait: () => Promise.reject(fault({ statusCode: 404 })) }],
  ['when it had ended', { inspect: () => Promise.reject(fault({ statusCode: 404 })) }],
  ['at this moment', { inspect: () => Promise.resolve({ State: { ...EXITED.State, Status: 'removing' } }) }],
])('a container that somebody removed %s is lost', async (_, answers) => {
  await expect(containerEnd(engine(answers), HOST)).rejects.toMatchObject({
    code: 'CONTAINER_LOST',
    message: expect.stringContaining('The container of algo-1 was removed') as string,
  });
});

test("another refusal is in the engine's own words", async () => {
  const inspect = after(
    [fault({ statusCode: 500, json: { message: 'disk of the engine is full' } })],
    EXITED,
  );
  await expect(containerEnd(engine({ inspect }), HOST)).rejects.toMatchObject({
    code: 'ENGINE_UNFIT',
    message: 'disk of the engine is full',
  });
});

test.each([
  ['ABORT_ERR', 3],
  ['ECONNREFUSED', 2],
  ['ENOENT', 2],
])('%s is taken for a loss at the %dth time', async (code, times) => {
  let asked = 0;
  const ask = (): Promise<never> => {
    asked += 1;
    return Promise.reject(fault({ code }));
  };
  await expect(patiently(ask, new AbortController().signal)).rejects.toMatchObject({ code });
  expect(asked).toBe(times);
});
