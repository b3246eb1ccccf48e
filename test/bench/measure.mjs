/** Measures competitors in turn: A B C A B C …, so that a machine that drifts slows all of them. */
import { execFileSync, spawn } from 'node:child_process';
import { cpus } from 'node:os';

/** @param {{name: string, run: () => Promise<void>}[]} competitors */
export async function inTurn(competitors, rounds) {
  const times = new Map(competitors.map(one => [one.name, []]));
  for (const one of competitors) await one.run();
  for (let round = 0; round < rounds; round += 1)
    for (const { name, run } of competitors) {
      const start = performance.now();
      await run();
      times.get(name).push(performance.now() - start);
    }
  return new Map([...times].map(([name, list]) => [name, median(list)]));
}

/** Runs a command to its end with no output; throws when it fails. */
export function command(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
    let stderr = '';
    child.stderr.on('data', text => (stderr += text));
    child.on('error', reject);
    child.on('close', code =>
      code === 0 ? resolve() : reject(new Error(`${file} ended with ${code}: ${stderr}`)),
    );
  });
}

export function machine() {
  const engine = execFileSync('docker', ['version', '--format', '{{.Server.Version}}'], {
    encoding: 'utf8',
  }).trim();
  return `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, Docker ${engine}`;
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}
