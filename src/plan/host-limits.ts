/** What of a machine a host gets (`--emulate-instance`). Pure. */
import { instanceSize } from '../job/instance-size.js';
import { hasGpus } from '../job/instance-type.js';

export interface HostLimits {
  readonly instanceType: string;
  readonly vcpus: number;
  readonly memoryBytes: number;
  /** Of `/dev/shm`: half of the memory (UNCONFIRMED, contract §1.16). */
  readonly sharedMemoryBytes: number;
}

/** NVIDIA GPUs: so many, or all that the engine has. */
export type HostGpus = number | 'all';

/** Null for a type whose machine is not known. */
export function limitsOfInstance(instanceType: string): HostLimits | null {
  const size = instanceSize(instanceType);
  if (size === null) return null;
  const { vcpus, memoryBytes } = size;
  return { instanceType, vcpus, memoryBytes, sharedMemoryBytes: Math.floor(memoryBytes / 2) };
}

/** How many an engine has is not known: only of one can it be said that it has as many. */
export function gpusOfInstance(
  instanceType: string,
  {
    emulateInstance = false,
    hasGpus: has = true,
  }: { readonly emulateInstance?: boolean; readonly hasGpus?: boolean },
): HostGpus {
  if (!hasGpus(instanceType) || !has) return 0;
  return emulateInstance && instanceSize(instanceType)?.gpus === 1 ? 1 : 'all';
}
