/** The outputs of several hosts as one. */
import { expect, test } from 'vitest';
import { mergedOutputs } from '../../src/collect/merged-outputs.js';
import type { OutputEntry } from '../../src/collect/output-entry.js';

type Kind = OutputEntry['kind'];

function host(name: string, ...entries: readonly (readonly [string, Kind, string?])[]) {
  return {
    host: name,
    outputs: {
      async *entries() {
        for (const [path, kind, target] of await Promise.resolve(entries))
          yield { path, kind, mode: 0, mtime: 0, size: 0, ...(target === undefined ? {} : { target }), body };
      },
    },
  };
}

async function* body(): AsyncGenerator<Uint8Array> {
  // Nothing is read here.
}

async function merge(...hosts: readonly ReturnType<typeof host>[]) {
  const aside: string[] = [];
  const merged: string[] = [];
  const outputs = mergedOutputs(hosts, (name, path) => aside.push(`${name} ${path}`));
  for await (const { path, kind } of outputs.entries('/')) merged.push(`${path} ${kind}`);
  return { merged, aside };
}

test('folders become one, and of two files of one path the first stands', async () => {
  const first = host('algo-1', ['d', 'folder'], ['d/f', 'file']);
  const second = host('algo-2', ['d', 'folder'], ['d/f', 'file'], ['d/g', 'file']);
  const third = host('algo-3', ['d', 'folder'], ['d/g', 'file'], ['h', 'file']);
  expect(await merge(first, second, third)).toEqual({
    merged: ['d folder', 'd/f file', 'd/g file', 'h file'],
    aside: ['algo-2 d/f', 'algo-3 d/g'],
  });
});

test.each(['link', 'file', 'other', 'hard-link'] as const)(
  'nothing goes below a %s of another host',
  async kind => {
    const second = host('algo-2', ['d', 'folder'], ['d/e', 'folder'], ['d/e/f', 'file']);
    expect(await merge(host('algo-1', ['d', kind]), second)).toEqual({
      merged: [`d ${kind}`],
      aside: ['algo-2 d', 'algo-2 d/e', 'algo-2 d/e/f'],
    });
  },
);

test('a file does not take the place of a folder', async () => {
  const first = host('algo-1', ['d', 'folder'], ['d/f', 'file']);
  expect(await merge(first, host('algo-2', ['d', 'file']))).toEqual({
    merged: ['d folder', 'd/f file'],
    aside: ['algo-2 d'],
  });
});

test('a hard link to a file that was left aside is no link to the file of another host', async () => {
  const second = host(
    'algo-2',
    ['f', 'file'],
    ['g', 'hard-link', 'f'],
    ['h', 'file'],
    ['i', 'hard-link', 'h'],
  );
  expect(await merge(host('algo-1', ['f', 'file']), second)).toEqual({
    merged: ['f file', 'h file', 'i hard-link'],
    aside: ['algo-2 f', 'algo-2 g'],
  });
});
