import type Docker from 'dockerode';
import { expect, test } from 'vitest';
import { findImage } from '../../src/engine/docker/images.js';

test.each(['constructor', 'tostring', '__proto__'])(
  'an image named "%s" is no mapped one',
  async reference => {
    const image = { Id: 'sha256:1', Os: 'linux', Architecture: 'amd64', Config: { User: '' } };
    const docker = { getImage: () => ({ inspect: () => Promise.resolve(image) }) } as unknown as Docker;
    const found = await findImage(
      { docker, mapped: {}, credentials: () => Promise.resolve(undefined) },
      { reference, platform: 'linux/amd64' },
      { signal: new AbortController().signal, onPull: () => undefined, onProgress: () => undefined },
    ).catch((thrown: unknown) => thrown);
    // What no reference can be is pulled, and refused by the engine.
    if (reference !== '__proto__') expect(found).toEqual({ id: 'sha256:1', how: reference, user: '' });
    else expect(String(found)).not.toMatch(/--map-image names/);
  },
);
