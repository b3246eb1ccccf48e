/**
 * Who owns a job: one process, told apart from every other one that ever had its number. The label `optml.owner` and the
 * job's lock hold it.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface Owner {
  readonly machine: string;
  /** Changes with every boot. */
  readonly boot: string;
  /** Process numbers mean something within one namespace only. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** Kernel's start time of the process; the same number again later has another. */
  readonly started: string;
  /** The home whose jobs it runs. */
  readonly home: string;
}

export function thisProcess(home: string): Owner {
  return { ...thisMachine(), pid: process.pid, started: startOf(process.pid) ?? '', home };
}

/**
 * `unknown`: of another machine or namespace, or unreadable: nobody here can tell; or dead, but of another home, whose matter
 * it is. What lives is alive whatever its home, so that no force takes it for dead.
 */
export function lifeOf(owner: Owner | null, home: string): 'alive' | 'dead' | 'unknown' {
  const here = thisMachine();
  if (owner?.machine !== here.machine) return 'unknown';
  if (owner.boot === here.boot) {
    if (owner.pidNamespace !== here.pidNamespace) return 'unknown';
    if (isAlive(owner)) return 'alive';
  }
  return owner.home === home ? 'dead' : 'unknown';
}

export function formatOwner(owner: Owner): string {
  return JSON.stringify(owner);
}

/** Null when the text is none. */
export function parseOwner(text: string): Owner | null {
  try {
    const value = JSON.parse(text) as Partial<Owner> | null;
    if (typeof value?.pid !== 'number' || typeof value.machine !== 'string' || typeof value.home !== 'string')
      return null;
    return {
      machine: value.machine,
      boot: value.boot ?? '',
      pidNamespace: value.pidNamespace ?? '',
      pid: value.pid,
      started: value.started ?? '',
      home: value.home,
    };
  } catch {
    return null;
  }
}

function thisMachine(): Pick<Owner, 'machine' | 'boot' | 'pidNamespace'> {
  return {
    machine: readOr('/etc/machine-id', hostname()),
    boot: readOr('/proc/sys/kernel/random/boot_id', ''),
    pidNamespace: linkOr('/proc/self/ns/pid', ''),
  };
}

/** Field 22 of `/proc/PID/stat`, counted behind the name, which may hold spaces; undefined without such a process. */
function startOf(pid: number): string | undefined {
  const text = readOr(`/proc/${pid}/stat`, '');
  const [state, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended.
  return text === '' || state === 'Z' ? undefined : rest[18];
}

function isAlive({ pid, started }: Owner): boolean {
  return started === '' ? answersSignal(pid) : startOf(pid) === started;
}

function answersSignal(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return otherwise;
  }
}

function linkOr(file: string, otherwise: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return otherwise;
  }
}
