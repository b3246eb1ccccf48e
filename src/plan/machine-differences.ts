/**
 * Differences that only the engine of a run shows: a machine that is smaller than the instances, or has no
 * GPU; a user who is not root. Pure.
 */
import type { Difference } from '../job/differences.js';
import { instanceSize } from '../job/instance-size.js';
import { hasGpus } from '../job/instance-type.js';
import { instancesAsked, type InstancesAsked } from '../job/instances.js';
import type { Job } from '../job/job.js';
import { sharedFifosDifference } from './shared-fifos.js';

/** The engine port's facts, as far as they count here. */
export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly hasGpus: boolean;
  /** Rooms are folders of this machine. */
  readonly bindsRooms: boolean;
  /** Containers can be limited. */
  readonly limits: { readonly cpus: boolean; readonly memory: boolean };
}

export function machineDifferences(
  job: Job,
  { emulateInstance, machine }: { readonly emulateInstance: boolean; readonly machine: Machine },
): Difference[] {
  const asked = instancesAsked(job);
  return [
    ...asked.filter(({ instanceType }) => hasGpus(instanceType) && !machine.hasGpus).map(withoutGpu),
    ...(machine.bindsRooms ? [] : sharedFifosDifference(job)),
    ...(emulateInstance ? asked.flatMap(one => smaller(one, asked, machine)) : []),
  ];
}

function withoutGpu({ member, instanceType }: InstancesAsked): Difference {
  return {
    member,
    asked: instanceType,
    here: 'the container gets no GPU',
    why: 'the engine has no NVIDIA runtime: with a GPU in this machine, install the NVIDIA Container Toolkit and run "nvidia-ctk runtime configure"',
  };
}

function smaller(
  { member, instanceType, count }: InstancesAsked,
  all: readonly InstancesAsked[],
  machine: Machine,
): Difference[] {
  const size = instanceSize(instanceType);
  if (size === null) return [];
  const { vcpus, memoryBytes } = size;
  const difference = (here: string, why: string): Difference => ({ member, asked: instanceType, here, why });
  const here = `${machine.cpus} CPU${machine.cpus === 1 ? '' : 's'} and ${gib(machine.memoryBytes)}`;
  const wanted = `${vcpus} vCPUs and ${gib(memoryBytes)}`;
  const unlimited = [
    ...(machine.limits.cpus ? [] : ['CPU']),
    ...(machine.limits.memory ? [] : ['memory']),
  ].join(' and ');
  return [
    ...(unlimited === ''
      ? []
      : [difference(`the container is not limited in ${unlimited}`, 'this engine cannot limit them')]),
    ...(vcpus > machine.cpus || memoryBytes > machine.memoryBytes
      ? [
          difference(
            `the container gets no more than ${here}, where the instance has ${wanted}`,
            'this machine is smaller',
          ),
        ]
      : sumOf(all, 'vcpus') > machine.cpus || sumOf(all, 'memoryBytes') > machine.memoryBytes
        ? [
            difference(
              `${count === 1 ? 'the host shares' : `the ${count} hosts share`} ${here} with all hosts of the job, where each instance has ${wanted} of its own`,
              'this machine is smaller',
            ),
          ]
        : []),
  ];
}

function sumOf(all: readonly InstancesAsked[], what: 'vcpus' | 'memoryBytes'): number {
  return all.reduce(
    (sum, { instanceType, count }) => sum + count * (instanceSize(instanceType)?.[what] ?? 0),
    0,
  );
}

function gib(bytes: number): string {
  return `${Math.round((bytes / 2 ** 30) * 10) / 10} GiB of memory`;
}
