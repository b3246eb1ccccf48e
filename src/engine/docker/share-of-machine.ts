/** What of the engine's machine a container gets: CPU, memory, `/dev/shm`, GPUs. Pure. */
import type Docker from 'dockerode';
import type { EngineFacts, HostToPlace } from '../port.js';

export type ContainerMachine = Pick<EngineFacts, 'cpus' | 'memoryBytes' | 'limits'>;

/** Before the engine was asked, and for containers that do not run: they get the engine's own defaults. */
export const UNKNOWN_MACHINE: ContainerMachine = {
  cpus: 0,
  memoryBytes: 0,
  limits: { cpus: false, memory: false },
};

export function shareOfMachine(
  { limits, gpus }: Pick<HostToPlace['plan'], 'limits' | 'gpus'>,
  machine: ContainerMachine,
): Docker.HostConfig {
  // Half of the memory, as the platform's real size is not known and data loaders need more than 64 MiB (contract §1.16).
  const half = Math.floor(machine.memoryBytes / 2);
  const shared = Math.min(limits?.sharedMemoryBytes ?? half, half);
  return {
    ...(shared > 0 ? { ShmSize: shared } : {}),
    ...(limits !== null && machine.limits.cpus
      ? // The engine refuses more than it has.
        { NanoCpus: Math.min(limits.vcpus, machine.cpus) * 1e9 }
      : {}),
    ...(limits !== null && machine.limits.memory
      ? memory(Math.min(limits.memoryBytes, machine.memoryBytes))
      : {}),
    ...(gpus !== 0
      ? { DeviceRequests: [{ Driver: '', Count: gpus === 'all' ? -1 : gpus, Capabilities: [['gpu']] }] }
      : {}),
  };
}

/** An instance has no swap space. */
function memory(bytes: number): Docker.HostConfig {
  return { Memory: bytes, MemorySwap: bytes };
}
