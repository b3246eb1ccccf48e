/** The flow through `src/` goes one way: this reads the import lines and holds docs/design.md's table. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

/** What each room may import besides itself and `errors.ts`. `engine/port`: the port only, not the adapter. */
const MAY: Record<string, readonly string[]> = {
  job: [],
  aws: [],
  names: [],
  certificates: [],
  store: ['aws', 'certificates', 'names'],
  survey: ['job', 'store/port'],
  plan: ['job'],
  channels: ['adaptive-pool', 'plan', 'job', 'store/port', 'survey'],
  engine: ['plan'],
  collect: ['adaptive-pool', 'plan', 'job', 'store/port'],
  'data-plane.ts': ['channels', 'collect', 'plan', 'store/port'],
  report: ['job'],
  journal: ['report', 'certificates'],
  run: [
    'job',
    'plan',
    'report',
    'journal',
    'channels',
    'collect',
    'data-plane',
    'engine/port',
    'names/s3-names',
    'store/port',
    'survey',
  ],
  'doctor.ts': ['engine/port', 'store/port'],
  'settings.ts': ['settings-file'],
  'settings-file.ts': [],
  'adaptive-pool.ts': [],
  'deferred.ts': [],
  'errors.ts': [],
  'make-folder.ts': [],
  'connect.ts': ['aws', 'certificates', 'engine', 'settings', 'store', 'survey'],
  'clean-store.ts': ['run', 'store'],
  'client-environment.ts': ['journal', 'settings'],
  'surveyed-plan.ts': ['connect', 'job', 'journal', 'plan', 'run', 'settings', 'store/port', 'survey'],
  'endpoint.ts': ['journal', 'store'],
  'feeder.ts': ['channels', 'connect', 'settings'],
  'feeder-main.ts': ['channels', 'connect', 'feeder'],
  'emulator.ts': ['*'],
  'index.ts': ['*'],
  faces: ['emulator', 'settings', 'settings-file', 'report', 'job', 'run'],
};

/** Folders whose code depends on nothing but its arguments. */
const PURE = ['job', 'plan', 'report'];

/** Each vendor has one place. */
const VENDORS: Record<string, RegExp> = {
  dockerode: /^engine\/docker\//,
  undici: /^store\/s3\/pass-on\.ts$|^aws\/json-call\.ts$/,
  '@aws-sdk/credential-provider-node': /^aws\//,
  '@smithy/signature-v4': /^aws\//,
  'fast-xml-parser': /^store\/s3\/xml\.ts$/,
  '@aws-sdk/checksums': /^store\/server\//,
  'tar-stream': /^collect\//,
  commander: /^faces\/cli\//,
  zod: /^settings-file\.ts$/,
  yaml: /^job\/request-document\.ts$|^faces\/cli\/context\.ts$/,
};

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'));
const imports = files.flatMap(file => importsOf(file).map(what => ({ file, what })));

test('there are files to look at', () => {
  expect(files.length).toBeGreaterThan(50);
  expect(new Set(files.map(roomOf))).toEqual(new Set(Object.keys(MAY)));
});

test('each room imports only what stands before it in the flow', () => {
  const wrong = imports.flatMap(({ file, what }) => {
    if (!what.startsWith('.')) return [];
    const target = relative(SRC, resolve(SRC, file, '..', what)).replace(/\.js$/, '');
    const from = roomOf(file);
    const allowed = [from, 'errors', 'deferred', 'make-folder', ...(MAY[from] ?? [])].map(one =>
      one.replace(/\.ts$/, ''),
    );
    const fits = allowed.some(one => one === '*' || target === one || target.startsWith(`${one}/`));
    return fits ? [] : [`${file} imports ${target}`];
  });
  expect(wrong).toEqual([]);
});

test('pure folders import no module that reads a clock, a disk, the network or chance', () => {
  const wrong = imports.filter(
    ({ file, what }) => PURE.includes(roomOf(file)) && isBuiltin(what) && what !== 'node:module',
  );
  expect(wrong).toEqual([]);
});

test('pure folders ask for neither the time nor a random number', () => {
  const wrong = files.filter(
    file => PURE.includes(roomOf(file)) && /\bDate\.now|new Date\(\)|Math\.random|process\./.test(read(file)),
  );
  expect(wrong).toEqual([]);
});

test('each vendor is imported in one place, and every one is known here', () => {
  const packages = imports
    .filter(({ what }) => !what.startsWith('.') && !isBuiltin(what))
    .map(({ file, what }) => ({ file, what: packageOf(what) }));
  expect(packages.filter(({ file, what }) => VENDORS[what]?.test(file) !== true)).toEqual([]);
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: object;
  };
  expect(new Set(packages.map(one => one.what))).toEqual(new Set(Object.keys(dependencies)));
});

test('versions of all packages are exact', () => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>;
  const versions = Object.values({ ...dependencies, ...devDependencies });
  expect(versions.filter(version => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

function importsOf(file: string): string[] {
  const text = read(file);
  const found = [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)'([^']+)'/g)].map(
    match => match[1] ?? '',
  );
  return [...new Set(found)];
}

/** `@aws-sdk/checksums/crc` → `@aws-sdk/checksums` */
function packageOf(what: string): string {
  return what
    .split('/')
    .slice(0, what.startsWith('@') ? 2 : 1)
    .join('/');
}

function roomOf(file: string): string {
  return file.split('/')[0] ?? '';
}

function isBuiltin(what: string): boolean {
  return builtinModules.includes(what.replace(/^node:/, ''));
}

function read(file: string): string {
  return readFileSync(join(SRC, file), 'utf8');
}
