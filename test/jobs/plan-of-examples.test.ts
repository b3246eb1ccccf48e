/**
 * `optml plan` of every example says what its container sees: each is run once more with another command, which looks round.
 * Environment, mounts, config files byte for byte, the objects of its channels.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { runJob } from '../harness/job.js';
import { optml, scratch } from '../harness/optml.js';
import { nameOf, putObject, shell, writeRequest, type Request } from '../harness/requests.js';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'fixtures/requests');
const DIGITS = join(ROOT, 'fixtures/digits');
const EXAMPLES = readdirSync(FOLDER);

interface Plan {
  readonly hosts: readonly Host[];
}

interface Host {
  readonly name: string;
  readonly containers: readonly { readonly environment: Readonly<Record<string, string>> }[];
  readonly mounts: readonly { readonly path: string; readonly writable: boolean }[];
  readonly files: Readonly<Record<string, string>>;
  readonly channels: readonly {
    readonly mode: string;
    readonly objects: readonly { readonly path: string; readonly bytes: number | null }[];
  }[];
}

/** Prints, a line each: environment, config files, other files, mounts, and FIFOs with the bytes that come through them. */
const LOOK = [
  'echo "environment $(env | base64 -w0)"',
  'cd /opt/ml; find /opt/ml -type f | sort > /tmp/files',
  'while read -r f; do case $f in */config/*|*-manifest) echo "config $f $(base64 -w0 $f)";; *) echo "file $f $(stat -c %s $f)";; esac; done < /tmp/files',
  `awk '$2 ~ "^/(opt/ml|state)" { print "mount", $2, substr($4, 1, 2) }' /proc/mounts`,
  'find /opt/ml -type p | sort > /tmp/fifos; while read -r f; do echo "fifo $f $(cat $f | wc -c)"; done < /tmp/fifos',
];

function lookingRound(request: Request): Request {
  const { ContainerEntrypoint } = shell(LOOK)['AlgorithmSpecification'] as Request;
  const member = 'AppSpecification' in request ? 'AppSpecification' : 'AlgorithmSpecification';
  return { ...request, [member]: { ...(request[member] as Request), ContainerEntrypoint } };
}

async function planOf(request: Request, home: string, maps: readonly string[]): Promise<Plan> {
  const file = await writeRequest(home, request);
  const { status, stdout, stderr } = await optml(['plan', file, ...maps], { home });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Plan;
}

/** What follows a word in the lines that begin with it. */
function said(log: readonly string[], word: string): string[] {
  return log.filter(line => line.startsWith(`${word} `)).map(line => line.slice(word.length + 1));
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString();
}

test.each(EXAMPLES)('%s is planned as its containers see it', async example => {
  const home = await scratch('home');
  const request = parse(readFileSync(join(FOLDER, example), 'utf8')) as Request;
  const code = nameOf(request).endsWith('-digits') ? 'fixtures/processing' : 'fixtures/code';
  const maps = [
    ...['--map', `s3://optml-demo/digits=${DIGITS}`, '--map', `s3://optml-demo/code=${join(ROOT, code)}`],
    ...['--map-fs', `fs-0123456789abcdef0=${DIGITS}`],
  ];
  // What the examples before this one in the README's pipeline have made.
  await putObject(home, 's3://optml-demo/output/train-digits/output/model.tar.gz', 'model');
  for (const part of ['train', 'validation', 'test'])
    await putObject(home, `s3://optml-demo/split/${part}/part.csv`, part);
  const looking = lookingRound(request);
  const plan = await planOf(looking, home, maps);
  const plain = await planOf(request, home, maps);
  expect(withoutCommands(plain)).toEqual(withoutCommands(plan));

  const { status, logOf } = await runJob(looking, { home, args: maps });
  expect(status).toBe(0);
  for (const host of plan.hosts) expectSeen(host, logOf(host.name), example);
});

/** The command stands in the plan, and in one config file of processing jobs. */
function withoutCommands(plan: Plan): unknown {
  const kept = (name: string, value: unknown): unknown => {
    if (['entrypoint', 'command', 'AppSpecification'].includes(name)) return undefined;
    return name.endsWith('/processingjobconfig.json') ? JSON.parse(String(value)) : value;
  };
  return JSON.parse(JSON.stringify(plan, kept));
}

function expectSeen(host: Host, log: readonly string[], example: string): void {
  expect(Object.fromEntries(said(log, 'config').map(line => filed(line.split(' '))))).toEqual(host.files);
  expect(said(log, 'mount').sort()).toEqual(
    host.mounts.map(({ path, writable }) => `${path} ${writable ? 'rw' : 'ro'}`).sort(),
  );
  expectEnvironment(host, decoded(said(log, 'environment')[0] ?? ''));
  const seen = said(log, 'file');
  const expected = host.channels
    .filter(channel => channel.mode !== 'Pipe')
    .flatMap(channel => channel.objects)
    .map(
      ({ path, bytes }) => `${path} ${bytes ?? statSync(join(DIGITS, '..', path.slice(ROOM.length))).size}`,
    );
  expect(seen).toEqual([...expected, ...(example === 'file-system.yaml' ? trainFiles() : [])].sort());
  const fifos = said(log, 'fifo').map(line => line.split(' '));
  const piped = host.channels.filter(channel => channel.mode === 'Pipe');
  expect(new Set(fifos.map(([path]) => path))).toEqual(
    new Set(piped.flatMap(channel => channel.objects.map(object => object.path))),
  );
  for (const [, bytes] of fifos) expect(Number(bytes)).toBeGreaterThan(100_000);
}

/** Of the one example whose plan knows no sizes: its keys are paths below `fixtures`. */
const ROOM = '/opt/ml/input/data/train/';

function filed([path = '', text = '']: readonly string[]): [string, string] {
  return [path, decoded(text)];
}

/** What is planned is there, and besides only what image, engine and shell give. */
function expectEnvironment({ containers }: Host, text: string): void {
  const seen = Object.fromEntries(
    text
      .trimEnd()
      .split('\n')
      .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
  );
  const planned = containers[0]?.environment ?? {};
  for (const [name, value] of Object.entries(planned))
    if (value.includes('{{')) expect(seen[name]).toMatch(/^[^{}]+$/);
    else expect({ [name]: seen[name] }).toEqual({ [name]: value });
  const more = Object.keys(seen).filter(name => !(name in planned));
  const others = ['HOME', 'HOSTNAME', 'OLDPWD', 'PATH', 'PWD', 'PYTHONUNBUFFERED', 'SHLVL', '_'];
  expect(more.filter(name => !others.includes(name))).toEqual([]);
}

/** A file system has no listing: its folder is there as it is. */
function trainFiles(): string[] {
  const folder = join(DIGITS, 'train');
  return readdirSync(folder).map(name => `${ROOM}${name} ${statSync(join(folder, name)).size}`);
}
