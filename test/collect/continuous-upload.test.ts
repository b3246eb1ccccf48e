/** Two hosts whose checkpoints go below one prefix. */
import { lstat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CheckpointSource } from '../../src/collect/checkpoint-source.js';
import { ContinuousUpload } from '../../src/collect/continuous-upload.js';
import { stampOf } from '../../src/collect/output-entry.js';
import type { Senders } from '../../src/collect/upload-checkpoints.js';
import { deferred, type Deferred } from '../../src/deferred.js';
import type { UploadPlan } from '../../src/plan/uploads.js';
import type { Store } from '../../src/store/port.js';
import { ChangedWhileSent } from '../../src/collect/whole-content.js';
import { afterThis, scratch } from '../harness/optml.js';

const UPLOAD: UploadPlan = {
  from: '/opt/ml/checkpoints',
  hosts: ['algo-1', 'algo-2'],
  form: 'objects',
  to: { bucket: 'b', key: 'c' },
  when: 'continuous',
  kmsKeyId: null,
  checkpoints: true,
};

interface HeldStore {
  readonly store: Store;
  /** Keys, as their removal was asked for. */
  readonly removed: string[];
  /** Of a key: when its upload has begun. */
  readonly begun: (key: string) => Deferred<undefined>;
  /** Of a key: by it the test ends the upload. */
  readonly end: (key: string) => Deferred<undefined>;
  /** Of a key: when its removal was asked for. */
  readonly removal: (key: string) => Deferred<undefined>;
  /** Keys, each time an upload of one began and ended, or its removal did. */
  readonly told: string[];
}

/** A store whose uploads end when the test says so; and its removals, of keys that are held. */
function heldStore(held: Readonly<Record<string, Promise<undefined>>> = {}): HeldStore {
  const removed: string[] = [];
  const told: string[] = [];
  const [begun, end, removal] = [moments(), moments(), moments()];
  const store: Pick<Store, 'upload' | 'remove'> = {
    async upload({ key }) {
      told.push(`upload of ${key}`);
      begun(key).resolve(undefined);
      await end(key).promise;
    },
    async remove({ key }) {
      removed.push(key);
      removal(key).resolve(undefined);
      await held[key];
      told.push(`${key} removed`);
    },
  };
  return { store: store as Store, removed, begun, end, removal, told };
}

function moments(): (key: string) => Deferred<undefined> {
  const known = new Map<string, Deferred<undefined>>();
  return key => {
    const moment = known.get(key) ?? deferred<undefined>();
    known.set(key, moment);
    return moment;
  };
}

type Shared = Pick<CheckpointSource, 'senders' | 'underWay'>;

function shared(senders: Senders = new Map()): Shared {
  return { senders, underWay: new Set() };
}

/** Its folder, with files that the store has and files that are new. */
async function watchedHost(
  host: string,
  { has, fresh, store, ...shared }: { has: string[]; fresh: string[]; store: Store } & Shared,
): Promise<{ readonly folder: string; readonly watch: ContinuousUpload }> {
  const folder = await scratch(host);
  for (const name of [...has, ...fresh]) await writeFile(join(folder, name), name);
  const stamps = has.map(async name => [name, stampOf(await lstat(join(folder, name)))] as const);
  const watch = new ContinuousUpload({
    upload: UPLOAD,
    root: folder,
    base: '',
    checkpoints: { host, held: new Map(await Promise.all(stamps)), ...shared },
    store,
    signal: new AbortController().signal,
    onBegun: () => undefined,
    onTrouble: () => undefined,
  });
  return { folder, watch };
}

test('what one host is sending is not removed by another one, which has its own copy no more', async () => {
  const { store, removed, begun, end, removal } = heldStore();
  const both = { store, ...shared() };
  const has = ['weights', 'old'];
  const second = await watchedHost('algo-2', { has, fresh: ['watched'], ...both });
  const first = await watchedHost('algo-1', { has: [], fresh: ['weights'], ...both });
  afterThis(async () => {
    for (const key of ['c/weights', 'c/watched']) end(key).resolve(undefined);
    await Promise.all([first.watch.stop(), second.watch.stop()]);
  });
  await Promise.all([begun('c/weights').promise, begun('c/watched').promise]);
  // They are looked at in this order.
  for (const name of has) await unlink(join(second.folder, name));
  await removal('c/old').promise;
  expect(removed).toEqual(['c/old']);
});

test('what another host could not send is removed by the one which had sent it, and has it no more', async () => {
  const { store, removed, begun, end, removal } = heldStore();
  const both = { store, ...shared() };
  const has = ['weights', 'old'];
  const second = await watchedHost('algo-2', { has, fresh: ['watched'], ...both });
  const first = await watchedHost('algo-1', { has: [], fresh: ['weights'], ...both });
  await Promise.all([begun('c/weights').promise, begun('c/watched').promise]);
  for (const name of has) await unlink(join(second.folder, name));
  await unlink(join(first.folder, 'weights'));
  // By now the second host has looked for its copy of the other, too.
  await removal('c/old').promise;
  end('c/weights').reject(new ChangedWhileSent());
  await removal('c/weights').promise;
  expect(removed).toEqual(['c/old', 'c/weights']);
  end('c/watched').resolve(undefined);
  await Promise.all([first.watch.stop(), second.watch.stop()]);
});

test('what one host removes is sent by another one when it is gone, not meanwhile', async () => {
  const gone = deferred<undefined>();
  const { store, told, begun, end, removal } = heldStore({ 'c/weights': gone.promise });
  const both = { store, ...shared() };
  const second = await watchedHost('algo-2', { has: ['weights'], fresh: ['watched'], ...both });
  await begun('c/watched').promise;
  await unlink(join(second.folder, 'weights'));
  await removal('c/weights').promise;
  const first = await watchedHost('algo-1', { has: [], fresh: ['weights', 'zeros'], ...both });
  await begun('c/zeros').promise;
  gone.resolve(undefined);
  await begun('c/weights').promise;
  expect(told.filter(line => line.includes('weights'))).toEqual(['c/weights removed', 'upload of c/weights']);
  for (const key of ['c/weights', 'c/watched', 'c/zeros']) end(key).resolve(undefined);
  await Promise.all([first.watch.stop(), second.watch.stop()]);
  expect(both.senders.get('weights')).toBe('algo-1');
});

test('a host that could not send leaves it with whom it was', async () => {
  const { store, begun, end } = heldStore();
  const both = { store, ...shared(new Map([['weights', 'algo-2']])) };
  const { watch } = await watchedHost('algo-1', { has: [], fresh: ['weights', 'new'], ...both });
  await Promise.all([begun('c/weights').promise, begun('c/new').promise]);
  for (const key of ['c/weights', 'c/new']) end(key).reject(new Error('the store is gone'));
  await watch.stop();
  expect(Object.fromEntries(both.senders)).toEqual({ weights: 'algo-2' });
  expect([...both.underWay]).toEqual([]);
});
