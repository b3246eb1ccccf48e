/** What an engine says of itself (`GET /info`), and what follows from it. Pure. */
import { OptmlError } from '../../errors.js';
import type { EngineFacts } from '../port.js';
import type { ContainerMachine } from './share-of-machine.js';

export interface EngineInfo {
  readonly ServerVersion: string;
  readonly OSType: string;
  readonly OperatingSystem: string;
  readonly Architecture: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly SecurityOptions?: readonly string[] | null;
  readonly Runtimes?: Readonly<Record<string, unknown>> | null;
  readonly CpuCfsQuota?: boolean;
  readonly MemoryLimit?: boolean;
}

/** The kernel's names → the image world's. */
const ARCHITECTURES: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64' };

export function factsOf(info: EngineInfo): Omit<EngineFacts, 'bindsRooms'> {
  return {
    version: info.ServerVersion,
    platform: `linux/${ARCHITECTURES[info.Architecture] ?? info.Architecture}`,
    ...machineOf(info),
    // Docker does not say what GPUs there are; NVIDIA's toolkit adds its runtime.
    hasGpus: Object.hasOwn(info.Runtimes ?? {}, 'nvidia'),
  };
}

export function machineOf(info: EngineInfo): ContainerMachine {
  return {
    cpus: info.NCPU,
    memoryBytes: info.MemTotal,
    limits: { cpus: info.CpuCfsQuota ?? true, memory: info.MemoryLimit ?? true },
  };
}

/** Root in these containers is somebody else on this machine, or the files are another machine's. */
export function mapsUsers({ SecurityOptions }: EngineInfo): boolean {
  return (SecurityOptions ?? []).some(one => /name=(userns|rootless)/.test(one));
}

export function isDockerDesktop({ OperatingSystem }: EngineInfo): boolean {
  return /Docker Desktop/i.test(OperatingSystem);
}

/** Throws ENGINE_UNFIT. `engine`: what messages call it. */
export function assertRunsLinux({ OSType }: EngineInfo, engine: string): void {
  if (OSType === 'linux') return;
  throw new OptmlError(
    'ENGINE_UNFIT',
    `${engine} runs ${OSType} containers: SageMaker's are Linux ones, so switch it to Linux.`,
  );
}
