/** Measures competitors in turn: A B C A B C …, so that a machine that drifts slows all of them. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** As `--rounds N` says; else five. */
export function rounds(usual = 5) {
  return Number(process.env.OPTML_BENCH_ROUNDS ?? usual);
}

/**
 * Runs each once to warm up, then `rounds` times in turn. `run` gives the figures of a command, or nothing for what runs in
 * this process. Gives medians by name: wall in milliseconds, CPU in milliseconds, peak memory in MB.
 */
export async function inTurn(competitors, rounds) {
  const figures = new Map(competitors.map(one => [one.name, []]));
  for (const one of competitors) await measured(one);
  for (let round = 0; round < rounds; round += 1)
    for (const one of competitors) figures.get(one.name).push(await measured(one));
  return new Map([...figures].map(([name, list]) => [name, medians(list)]));
}

async function measured({ prepare, run }) {
  await prepare?.();
  const start = performance.now();
  const figures = (await run()) ?? {};
  return { wall: performance.now() - start, ...figures };
}

/** The system's own accounting of a finished command and its children; Node does not give it. */
const ACCOUNT = `
import json, resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": code, "wall": (time.monotonic() - start) * 1000, "cpu": (used.ru_utime + used.ru_stime) * 1000, "memory": used.ru_maxrss / 1024}))
`;

/** Runs a command to its end with no output; throws when it fails. */
export async function command(file, args, { env = process.env } = {}) {
  const child = spawn('python3', ['-c', ACCOUNT, file, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', text => (stdout += text));
  child.stderr.on('data', text => (stderr += text));
  await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  const { code, ...figures } = JSON.parse(stdout);
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${stderr.slice(-2000)}`);
  return figures;
}

/** A shell line, for pipes. */
export function shell(line, options) {
  return command('sh', ['-c', line], options);
}

/** What is aimed at, row by row, for the table at the end. */
const goals = [];

/** `figure` of this work should be at least so much. */
export function atLeast(work, figure, goal, unit = '×') {
  goals.push({ work, figure, sign: '≥', goal, unit, met: figure >= goal });
}

/** `figure` of this work should be at most so much. */
export function atMost(work, figure, goal, unit = '×') {
  goals.push({ work, figure, sign: '≤', goal, unit, met: figure <= goal });
}

/** How many times as fast as the other one is `name`; of medians of one run. */
export function timesAsFast(figures, other, name = 'optml') {
  return figures.get(other).wall / figures.get(name).wall;
}

/** Every goal that was measured, as a table in Markdown. */
export function goalTable() {
  if (goals.length === 0) return '';
  const number = value => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2));
  const rows = goals.map(({ work, figure, sign, goal, unit, met }) => [
    work,
    `${number(figure)} ${unit}`,
    `${sign} ${goal} ${unit}`,
    met ? 'yes' : `no, by ${((Math.abs(figure - goal) / goal) * 100).toFixed(0)} %`,
  ]);
  const all = [['work', 'measured', 'goal', 'met'], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map(row => [...row[column]].length)));
  const line = row =>
    `| ${row.map((cell, column) => cell + ' '.repeat(widths[column] - [...cell].length)).join(' | ')} |`;
  return [line(all[0]), `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join(
    '\n',
  );
}

/** Prints medians, and how many times as fast as the first one each is. */
export function report(title, figures, { first = [...figures.keys()][0], rounds }) {
  const base = figures.get(first).wall;
  console.log(`\n${title}; medians of ${rounds}, in turn (${machine()})`);
  for (const [name, { wall, cpu, memory }] of figures)
    console.log(
      `  ${name.padEnd(26)} ${(wall / 1000).toFixed(2).padStart(7)} s  ${(wall / base).toFixed(2).padStart(6)} × the time of ${first}` +
        `${cpu === undefined ? '' : `  CPU ${(cpu / 1000).toFixed(1)} s`}${memory === undefined ? '' : `  ${memory.toFixed(0)} MB`}`,
    );
}

/** The tools of a Python package, got by pip into the cache; the folder of its commands, or null. */
export function fromPip(...packages) {
  const folder = join(ROOT, 'node_modules/.cache/bench/python');
  try {
    mkdirSync(folder, { recursive: true });
    execFileSync('python3', ['-m', 'venv', folder], { stdio: 'ignore' });
    execFileSync(
      join(folder, 'bin/pip'),
      ['install', '--quiet', '--disable-pip-version-check', ...packages],
      { stdio: 'ignore' },
    );
    return join(folder, 'bin');
  } catch {
    return null;
  }
}

/** Is the command here? Where it is not, its Debian package is installed, if that is ours to do. */
export function has(name, debianPackage = name) {
  return isHere(name) || (installed(debianPackage) && isHere(name));
}

function isHere(name) {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

/** Only root may, and only Debian can. */
function installed(debianPackage) {
  if (process.getuid() !== 0 || !isHere('apt-get')) return false;
  console.log(`  (installing ${debianPackage})`);
  // Nobody wants the daemon that may come with it.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1', SYSTEMD_OFFLINE: '1' };
  const apt = (...args) =>
    spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', ...args], { env }).status === 0;
  return apt('update') && apt('install', '--no-install-recommends', '-y', debianPackage);
}

export function absent(name, how) {
  console.log(`  (${name} is not here: ${how})`);
}

export function machine() {
  return `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`;
}

function medians(list) {
  const keys = ['wall', 'cpu', 'memory'];
  return Object.fromEntries(keys.map(key => [key, median(list.map(one => one[key]))]));
}

function median(list) {
  if (list.some(one => one === undefined)) return undefined;
  const sorted = [...list].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}
