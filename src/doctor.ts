/** What `optml doctor` looks at: engine, image platform, store, disk, leftovers. Every check answers, also when another one fails. */
import { statfs } from 'node:fs/promises';
import type { Engine } from './engine/port.js';
import { asOptmlError } from './errors.js';
import type { Store } from './store/port.js';

export interface Finding {
  readonly check: 'node' | 'home' | 'disk' | 'engine' | 'platform' | 'store' | 'leftovers';
  readonly ok: boolean;
  readonly found: string;
  /** The command or step that mends it; null where nothing is to be mended. */
  readonly mend: string | null;
}

export interface DoctorParts {
  readonly homeFolder: string;
  readonly openHome: () => Promise<unknown>;
  readonly openEngine: () => Promise<Engine>;
  readonly openStore: () => Promise<Store>;
  /** How much a crashed run left. */
  readonly countLeftovers: () => Promise<number>;
}

/** Less than this is too little for a job of any size. */
const LOW_DISK_BYTES = 2 * 1024 ** 3;
const ANSWER_MS = 10_000;

export async function examine(parts: DoctorParts): Promise<Finding[]> {
  const node = finding('node', true, `Node ${process.versions.node}`);
  const home = await attempt('home', async () => {
    await parts.openHome();
    return finding('home', true, parts.homeFolder);
  });
  const disk = await attempt('disk', () => examineDisk(parts.homeFolder));
  const [engine, ...platform] = await examineEngine(parts);
  const leftovers = engine.ok
    ? await attempt('leftovers', () => examineLeftovers(parts))
    : finding('leftovers', false, 'cannot be counted without the engine', engine.mend);
  const store = await attempt('store', () => examineStore(parts));
  return [node, home, disk, engine, ...platform, leftovers, store];
}

async function examineDisk(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const found = `${(free / 1024 ** 3).toFixed(1)} GB free where ${folder} lies`;
  return free >= LOW_DISK_BYTES
    ? finding('disk', true, found)
    : finding('disk', false, found, 'Free some space, or point --home at another disk.');
}

/** The engine, and when it answers the platform of its images. */
async function examineEngine(parts: DoctorParts): Promise<[Finding, ...Finding[]]> {
  try {
    return await describeEngine(parts);
  } catch (thrown) {
    return [broken('engine', thrown)];
  }
}

async function describeEngine({ openEngine }: DoctorParts): Promise<[Finding, ...Finding[]]> {
  const engine = await openEngine();
  const facts = await engine.probe(AbortSignal.timeout(ANSWER_MS));
  return [
    finding(
      'engine',
      true,
      `${engine.name}, version ${facts.version}, ${facts.cpus} CPUs, ${(facts.memoryBytes / 1024 ** 3).toFixed(1)} GB`,
    ),
    facts.platform === 'linux/amd64'
      ? finding('platform', true, 'linux/amd64, as most instance types')
      : finding(
          'platform',
          true,
          `${facts.platform}: images for amd64 instance types run under emulation, if the engine has it`,
          'Build images with docker build --platform linux/amd64, or ask for a Graviton instance type such as ml.m7g.large.',
        ),
  ];
}

async function examineLeftovers({ countLeftovers }: DoctorParts): Promise<Finding> {
  const left = await countLeftovers();
  return left === 0
    ? finding('leftovers', true, 'nothing was left behind')
    : finding('leftovers', false, `${left} things of crashed runs`, 'optml clean');
}

async function examineStore({ openStore }: DoctorParts): Promise<Finding> {
  const store = await openStore();
  try {
    await store.check(AbortSignal.timeout(ANSWER_MS));
    return finding('store', true, store.name);
  } finally {
    await store.close();
  }
}

async function attempt(check: Finding['check'], look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (thrown) {
    return broken(check, thrown);
  }
}

/** Our sentences end with the way out, behind the colon. */
function broken(check: Finding['check'], thrown: unknown): Finding {
  const { message } = asOptmlError(thrown);
  const at = message.lastIndexOf(': ');
  return at === -1
    ? finding(check, false, message, 'See the message.')
    : finding(check, false, message.slice(0, at), message.slice(at + 2));
}

function finding(check: Finding['check'], ok: boolean, found: string, mend: string | null = null): Finding {
  return { check, ok, found, mend };
}
