/** `--emulate-instance`: a container gets as much of the machine as its instance type has (design §2, contract §1.10). */
import { expect, test } from 'vitest';
import { containerOf } from '../harness/aftermath.js';
import { docker } from '../harness/engine.js';
import { refusedJob, runJob, startJob } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';
import { outOfMemory, runsOutOfMemory } from '../harness/out-of-memory.js';
import { shellJob, writeRequest, type Request } from '../harness/requests.js';
import { smallEngine } from '../harness/small-engine.js';
import { HEARS, tell } from '../harness/tell.js';

const GIB = 2 ** 30;

function on(InstanceType: string, InstanceCount = 1): Request {
  return { ResourceConfig: { InstanceType, InstanceCount, VolumeSizeInGB: 10 } };
}

const WAITS = ["trap 'exit 0' TERM", 'echo ready', 'sleep 600 & wait'];

/** What the engine was asked for: CPUs in billionths, bytes of memory, of memory with swap, and of /dev/shm. */
async function limitsOf(job: string): Promise<string> {
  const id = await docker('ps', '-aq', '--filter', `label=optml.job=${job}`);
  const { NanoCpus, Memory, MemorySwap, ShmSize } = JSON.parse(
    await docker('inspect', '--format', '{{json .HostConfig}}', id),
  ) as Record<string, number>;
  return [NanoCpus, Memory, MemorySwap, ShmSize].join(' ');
}

test('the container has the CPUs, the memory and the /dev/shm of its type; without the flag, all of the machine', async () => {
  const url = await smallEngine({ NCPU: 2, MemTotal: 16 * GIB });
  const env = { DOCKER_HOST: url };
  const job = await startJob(shellJob(WAITS, on('ml.c5.large')), { args: ['--emulate-instance'], env });
  await job.shows('algo-1 | ready');
  expect(await limitsOf(job.name)).toBe([2e9, 4 * GIB, 4 * GIB, 2 * GIB].join(' '));
  job.signal('SIGTERM');
  const { status, stderr } = await job.finish();
  expect(status).toBe(4);
  expect(stderr).not.toContain('this machine is smaller');

  const free = await startJob(shellJob(WAITS, on('ml.c5.large')), { env });
  await free.shows('algo-1 | ready');
  expect(await limitsOf(free.name)).toBe([0, 0, 0, 8 * GIB].join(' '));
  free.signal('SIGTERM');
  expect((await free.finish()).status).toBe(4);
});

test('a machine that is smaller is named as a difference, and gives what it has', async () => {
  const url = await smallEngine({ NCPU: 1, MemTotal: GIB });
  const job = await startJob(shellJob(WAITS, on('ml.c5.large')), {
    env: { OPTML_EMULATE_INSTANCE: '1', DOCKER_HOST: url },
  });
  await job.shows('algo-1 | ready');
  expect(await limitsOf(job.name)).toBe([1e9, GIB, GIB, GIB / 2].join(' '));
  job.signal('SIGTERM');
  expect((await job.finish()).stderr).toContain(
    'ResourceConfig.InstanceType: the container gets no more than 1 CPU and 1 GiB of memory, where the instance has 2 vCPUs and 4 GiB of memory (this machine is smaller)',
  );
});

test('a container that needs more memory than its instance has ends as it does on SageMaker', async () => {
  const url = await smallEngine({ MemTotal: GIB / 16 });
  const job = await startJob(shellJob([HEARS, 'echo ready', runsOutOfMemory()], on('ml.m5.large')), {
    args: ['--emulate-instance'],
    env: { DOCKER_HOST: url },
  });
  await job.shows('algo-1 | ready');
  await outOfMemory(await containerOf(job.name));
  await tell(job.name);
  const { status, described } = await job.finish();
  expect(status).toBe(1);
  expect(described.FailureReason).toBe(
    'ClientError: Please use an instance type with more memory, or reduce the size of job data processed on an instance.',
  );
});

test('of a cluster each host has its own limits, and hosts that share a small machine are named', async () => {
  const url = await smallEngine({ NCPU: 2, MemTotal: 4 * GIB });
  const { status, stderr } = await runJob(shellJob('true', on('ml.c5.large', 2)), {
    args: ['--emulate-instance'],
    env: { DOCKER_HOST: url },
  });
  expect(status).toBe(0);
  expect(stderr).toContain('the 2 hosts share 2 CPUs and 4 GiB of memory with all hosts of the job');
});

test('a type whose machine is not known is refused by name', async () => {
  expect(await refusedJob(shellJob('true', on('ml.m99.large')), { args: ['--emulate-instance'] })).toMatch(
    /ResourceConfig\.InstanceType "ml\.m99\.large" is refused with --emulate-instance: its CPUs and memory are not known here; leave the flag out, or take a type of these families: m4, /,
  );
});

test('a type with GPUs on an engine without one is a difference, which --strict refuses', async () => {
  const DOCKER_HOST = await smallEngine({ Runtimes: { runc: {} } });
  const isolated = { EnableNetworkIsolation: true };
  const { status, stderr, log } = await runJob(
    shellJob('echo devices=$NVIDIA_VISIBLE_DEVICES', { ...on('ml.g5.xlarge'), ...isolated }),
    { env: { DOCKER_HOST } },
  );
  expect({ status, log }).toEqual({ status: 0, log: ['devices=void'] });
  expect(stderr).toContain(
    'ResourceConfig.InstanceType: the container gets no GPU (the engine has no NVIDIA',
  );
  expect(
    await refusedJob(shellJob('true', { ...on('ml.g5.xlarge'), ...isolated }), {
      args: ['--strict'],
      env: { DOCKER_HOST },
    }),
  ).toContain('--strict refuses this request');
});

test('an engine that has GPUs is asked for them', async () => {
  // It says that it has some, and has none: its refusal shows what it was asked.
  const DOCKER_HOST = await smallEngine({ Runtimes: { runc: {}, nvidia: {} } });
  const { described, stderr } = await runJob(shellJob('true', on('ml.g5.xlarge')), { env: { DOCKER_HOST } });
  expect(described.FailureReason).toContain('could not select device driver "" with capabilities: [[gpu]]');
  expect(stderr).not.toContain('the container gets no GPU');
});

test('"optml plan" shows the limits of each host', async () => {
  const home = await scratch('home');
  const file = await writeRequest(home, shellJob('true', on('ml.g4dn.xlarge', 2)));
  const { stdout } = await optml(['plan', file, '--emulate-instance'], { home });
  const { limits } = JSON.parse(stdout) as { limits: Record<string, unknown> };
  const host = {
    instanceType: 'ml.g4dn.xlarge',
    vcpus: 4,
    memoryBytes: 16 * GIB,
    sharedMemoryBytes: 8 * GIB,
    gpus: 1,
  };
  expect(limits).toEqual({
    maxRuntimeSeconds: 600,
    stopGraceSeconds: 120,
    hosts: { 'algo-1': host, 'algo-2': host },
  });
});
