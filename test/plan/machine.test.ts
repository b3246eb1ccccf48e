/** What of a machine the hosts get, and what it lacks. */
import { expect, test } from 'vitest';
import { shareOfMachine } from '../../src/engine/docker/share-of-machine.js';
import { parseTrainingJob } from '../../src/job/training-job.js';
import { parseProcessingJob, type ProcessingJob } from '../../src/job/processing-job.js';
import { machineDifferences, type Machine } from '../../src/plan/machine-differences.js';
import type { Mount } from '../../src/plan/opt-ml-tree.js';
import { planJob, type HostPlan } from '../../src/plan/plan.js';
import { input, validProcessing } from '../job/processing-requests.js';
import { channel, resources, SETTINGS, validRequest } from '../job/requests.js';

const GIB = 2 ** 30;
const MACHINE: Machine = {
  cpus: 16,
  memoryBytes: 64 * GIB,
  hasGpus: true,
  bindsRooms: true,
  limits: { cpus: true, memory: true },
};

function group(InstanceGroupName: string, InstanceType: string, InstanceCount = 1): object {
  return { InstanceGroupName, InstanceType, InstanceCount };
}

function hostsOf(type: string, surroundings: object): readonly HostPlan[] {
  const job = parseTrainingJob(validRequest(resources({ InstanceType: type })), SETTINGS);
  return planJob(job, { storeAccess: true, ...surroundings }).hosts;
}

test.each([
  ['ml.g5.xlarge', {}, 'all', 'all'],
  ['ml.g5.xlarge', { emulateInstance: true }, 1, 'all'],
  ['ml.g5.12xlarge', { emulateInstance: true }, 'all', 'all'],
  ['ml.g5.12xlarge', { hasGpus: false }, 0, 'void'],
  ['ml.m5.xlarge', { emulateInstance: true, hasGpus: true }, 0, 'void'],
  ['ml.trn1.2xlarge', {}, 0, 'void'],
])('%s with %j gets the GPUs: %s', (type, surroundings, gpus, devices) => {
  const [host] = hostsOf(type, surroundings);
  expect(host?.gpus).toBe(gpus);
  expect(host?.container.environment['NVIDIA_VISIBLE_DEVICES']).toBe(devices);
});

test('limits are those of the type, and no more than the machine has; without the flag there are none', () => {
  const [small] = hostsOf('ml.m5.large', { emulateInstance: true });
  const [large] = hostsOf('ml.m5.24xlarge', { emulateInstance: true });
  const [free] = hostsOf('ml.m5.large', {});
  const share = (host: HostPlan | undefined, machine: Partial<Machine> = {}): object =>
    host === undefined ? {} : shareOfMachine(host, { ...MACHINE, ...machine });
  expect(share(small)).toEqual({
    ShmSize: 4 * GIB,
    NanoCpus: 2e9,
    Memory: 8 * GIB,
    MemorySwap: 8 * GIB,
  });
  expect(share(large)).toEqual({
    ShmSize: 32 * GIB,
    NanoCpus: 16e9,
    Memory: 64 * GIB,
    MemorySwap: 64 * GIB,
  });
  expect(share(free)).toEqual({ ShmSize: 32 * GIB });
  expect(share(small, { limits: { cpus: false, memory: false } })).toEqual({ ShmSize: 4 * GIB });
});

test.each([
  [1, 1],
  ['all', -1],
] as const)('of GPUs, %s is what Docker takes as %d', (gpus, Count) => {
  expect(shareOfMachine({ limits: null, gpus }, MACHINE)).toMatchObject({
    DeviceRequests: [{ Driver: '', Count, Capabilities: [['gpu']] }],
  });
});

test('each group is named where the machine lacks something for it, by its place in the request', () => {
  const job = parseTrainingJob(
    validRequest({
      ResourceConfig: {
        InstanceGroups: [
          group('a', 'ml.m5.large'),
          group('none', 'ml.p4d.24xlarge', 0),
          group('b', 'ml.g5.24xlarge'),
        ],
        VolumeSizeInGB: 1,
      },
    }),
    SETTINGS,
  );
  const told = (emulateInstance: boolean, machine: Partial<Machine>): string[] =>
    machineDifferences(job, { emulateInstance, machine: { ...MACHINE, ...machine } }).map(
      ({ member, asked, here }) => `${member} ${String(asked)} ${here}`,
    );
  expect(told(false, {})).toEqual([]);
  expect(told(false, { hasGpus: false })).toEqual([
    'ResourceConfig.InstanceGroups[2].InstanceType ml.g5.24xlarge the container gets no GPU',
  ]);
  expect(told(true, {})).toEqual([
    'ResourceConfig.InstanceGroups[0].InstanceType ml.m5.large the host shares 16 CPUs and 64 GiB of memory with all hosts of the job, where each instance has 2 vCPUs and 8 GiB of memory of its own',
    'ResourceConfig.InstanceGroups[2].InstanceType ml.g5.24xlarge the container gets no more than 16 CPUs and 64 GiB of memory, where the instance has 96 vCPUs and 384 GiB of memory',
  ]);
  expect(told(true, { cpus: 98, memoryBytes: 392 * GIB })).toEqual([]);
  expect(told(true, { cpus: 98, memoryBytes: 392 * GIB, limits: { cpus: true, memory: false } })).toEqual([
    'ResourceConfig.InstanceGroups[0].InstanceType ml.m5.large the container is not limited in memory',
    'ResourceConfig.InstanceGroups[2].InstanceType ml.g5.24xlarge the container is not limited in memory',
  ]);
});

const PIPED = channel({ InputMode: 'Pipe' });

test('where rooms are volumes, FIFOs have a read-only mount of their own, which is a difference', () => {
  const job = parseTrainingJob(validRequest({ InputDataConfig: [PIPED] }), SETTINGS);
  const mounted = (bindsRooms: boolean): readonly Mount[] =>
    planJob(job, { storeAccess: true, bindsRooms }).hosts[0]?.mounts ?? [];
  const fifos = { path: '/opt/ml/input/data', writable: false };
  expect(mounted(true).map(({ path }) => path)).not.toContain(fifos.path);
  expect(mounted(false)).toEqual([...mounted(true), fifos]);
  const told = (bindsRooms: boolean): unknown[] =>
    machineDifferences(job, { emulateInstance: false, machine: { ...MACHINE, bindsRooms } });
  expect(told(true)).toEqual([]);
  expect(told(false)).toMatchObject([{ member: 'InputDataConfig', asked: 'Pipe' }]);
});

test('the FIFOs of a processing job are where a mount is already; without them there is no difference', () => {
  const jobOf = (S3InputMode: string): ProcessingJob =>
    parseProcessingJob(validProcessing({ ProcessingInputs: [input({ S3InputMode })] }), SETTINGS);
  const { mounts = [] } = planJob(jobOf('Pipe'), { storeAccess: true, bindsRooms: false }).hosts[0] ?? {};
  expect(mounts.filter(({ path }) => path === '/opt/ml/processing')).toEqual([
    { path: '/opt/ml/processing', writable: false },
  ]);
  const told = (mode: string): string[] =>
    machineDifferences(jobOf(mode), {
      emulateInstance: false,
      machine: { ...MACHINE, bindsRooms: false },
    }).map(({ member }) => member);
  expect([told('Pipe'), told('File')]).toEqual([['ProcessingInputs'], []]);
});
