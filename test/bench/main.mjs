/**
 * `npm run bench -- NAME…`: optml beside what people would use instead, in turn, in one run. It prints medians and ratios
 * and judges nothing. All benches when none is named.
 */
import { readdir } from 'node:fs/promises';

const own = new Set(['main.mjs', 'measure.mjs']);
const all = (await readdir(import.meta.dirname)).filter(name => name.endsWith('.mjs') && !own.has(name));
const names = process.argv.slice(2);
const unknown = names.filter(name => !all.includes(`${name}.mjs`));
if (unknown.length > 0) {
  console.error(
    `There is no bench ${unknown.join(', ')}: there are ${all.map(name => name.replace('.mjs', '')).join(', ')}.`,
  );
  process.exit(2);
}
for (const file of all.filter(name => names.length === 0 || names.includes(name.replace('.mjs', '')))) {
  const { bench } = await import(`./${file}`);
  await bench();
}
