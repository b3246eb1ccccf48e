/** Outcomes that no real engine brings about at will. */
import { mkdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Engine } from '../../src/engine/port.js';
import { jobFiles, openHome } from '../../src/journal/home.js';
import { openJournal } from '../../src/journal/journal.js';
import { RunControl } from '../../src/run/control.js';
import { startReport } from '../../src/run/reporter.js';
import { runJob } from '../../src/run/run-job.js';
import type { Store } from '../../src/store/port.js';
import { scratch } from '../harness/optml.js';
import { planOf } from '../plan/plans.js';

test.each([
  [0, 'user', { status: 'Completed' }],
  [3, 'user', { status: 'Failed', failureReason: 'AlgorithmError: , exit code: 3' }],
] as const)(
  'a container that ended with %d has decided: neither a later %s stop nor a fault makes the job Stopped',
  async (code, cause, expected) => {
    const home = await openHome(await scratch('home'));
    const files = jobFiles(home, 'training', 'late');
    await mkdir(files.work, { recursive: true });
    const journal = await openJournal(files);
    const control = new RunControl();
    const nothing = { event: () => undefined, progress: () => undefined };
    const reporter = startReport({
      created: {
        kind: 'job.created',
        time: 0,
        run: 'late-1',
        name: 'late',
        arn: 'arn',
        request: {},
        store: 'none',
        modelArtifacts: '',
        differences: [],
      },
      journal,
      observer: nothing,
      now: () => 0,
    });
    const engine = {
      name: 'an engine',
      image: () => Promise.resolve({ id: 'i', how: 'exact', user: '' }),
      openNetwork: () => Promise.resolve({ kind: 'default', id: null, addresses: {} }),
      gateway: () => Promise.resolve(null),
      place: () => Promise.resolve({ host: 'algo-1', container: 'c', volumes: ['v'] }),
      start: () => Promise.resolve({ ended: Promise.resolve({ code, outOfMemory: false }) }),
      archive: () => (path: string) => {
        if (path !== '/opt/ml') return Promise.resolve(null);
        control.stop(cause);
        return Promise.reject(new Error('the tree cannot be had'));
      },
      remove: () => Promise.resolve(),
    } as unknown as Engine;
    const state = await runJob({
      plan: { ...planOf({ InputDataConfig: undefined }), uploads: [] },
      survey: { listings: [], fileSystems: {}, fault: null },
      metricDefinitions: [],
      store: {} as Store,
      engine,
      control,
      reporter,
      files,
      keepFolder: `${home.kept}/late-1`,
      labels: { job: 'late', run: 'late-1', owner: '' },
      openAccess: null,
      startFeeder: () => Promise.reject(new Error('no channel is fed')),
      lazy: null,
      interruptAfter: [],
      keepRoom: true,
    });
    journal.close();
    expect(control.cause).toBe(cause);
    expect(state).toMatchObject(expected);
  },
);
