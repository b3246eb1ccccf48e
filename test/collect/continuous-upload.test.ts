/** Two hosts whose checkpoints go below one prefix. */
import { lstat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ContinuousUpload } from '../../src/collect/continuous-upload.js';
import { stampOf } from '../../src/collect/output-entry.js';
import type { Senders } from '../../src/collect/upload-checkpoints.js';
import { deferred, type Deferred } from '../../src/deferred.js';
import type { UploadPlan } from '../../src/plan/uploads.js';
import type { Store } from '../../src/store/port.js';
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
}

/** A store whose uploads end when the test says so. */
function heldStore(): HeldStore {
  const removed: string[] = [];
  const [begun, end, removal] = [moments(), moments(), moments()];
  const store: Pick<Store, 'upload' | 'remove'> = {
    upload({ key }) {
      begun(key).resolve(undefined);
      return end(key).promise;
    },
    remove({ key }) {
      removed.push(key);
      removal(key).resolve(undefined);
      return Promise.resolve();
    },
  };
  return { store: store as Store, removed, begun, end, removal };
}

function moments(): (key: string) => Deferred<undefined> {
  const known = new Map<string, Deferred<undefined>>();
  return key => {
    const moment = known.get(key) ?? deferred<undefined>();
    known.set(key, moment);
    return moment;
  };
}

/** Its folder, with files that the store has and files that are new. */
async function watchedHost(
  host: string,
  { has, fresh, store, senders }: { has: string[]; fresh: string[]; store: Store; senders: Senders },
): Promise<{ readonly folder: string; readonly watch: ContinuousUpload }> {
  const folder = await scratch(host);
  for (const name of [...has, ...fresh]) await writeFile(join(folder, name), name);
  const stamps = has.map(async name => [name, stampOf(await lstat(join(folder, name)))] as const);
  const watch = new ContinuousUpload({
    upload: UPLOAD,
    root: folder,
    base: '',
    checkpoints: { host, held: new Map(await Promise.all(stamps)), senders },
    store,
    signal: new AbortController().signal,
    onBegun: () => undefined,
    onTrouble: () => undefined,
  });
  return { folder, watch };
}

test('what one host is sending is not removed by another one, which has its own copy no more', async () => {
  const { store, removed, begun, end, removal } = heldStore();
  const senders: Senders = new Map();
  const has = ['weights', 'old'];
  const second = await watchedHost('algo-2', { has, fresh: ['watched'], store, senders });
  const first = await watchedHost('algo-1', { has: [], fresh: ['weights'], store, senders });
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

test('a host that could not send leaves it with whom it was', async () => {
  const { store, begun, end } = heldStore();
  const senders: Senders = new Map([['weights', 'algo-2']]);
  const { watch } = await watchedHost('algo-1', { has: [], fresh: ['weights', 'new'], store, senders });
  await Promise.all([begun('c/weights').promise, begun('c/new').promise]);
  const sending = Object.fromEntries(senders);
  for (const key of ['c/weights', 'c/new']) end(key).reject(new Error('the store is gone'));
  await watch.stop();
  expect(sending).toEqual({ weights: 'algo-1', new: 'algo-1' });
  expect(Object.fromEntries(senders)).toEqual({ weights: 'algo-2' });
});
