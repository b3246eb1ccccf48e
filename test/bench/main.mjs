/**
 * `npm run bench -- [--rounds N] NAME…`: optml beside what people would use instead, in turn, in one run. It prints medians and
 * ratios, and at its end a table with the goals. All benches when none is named.
 */
import { readdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { goalTable, machine } from './measure.mjs';

const own = new Set(['main.mjs', 'measure.mjs', 'static-s3.mjs']);
const all = (await readdir(import.meta.dirname)).filter(name => name.endsWith('.mjs') && !own.has(name));
const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' } },
});
if (values.rounds !== undefined) process.env.OPTML_BENCH_ROUNDS = values.rounds;
if (!/^([1-9]\d*)?$/.test(values.rounds ?? '')) {
  console.error(`--rounds ${values.rounds} is no count of rounds: give a whole number from 1.`);
  process.exit(2);
}
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
console.log(`\nRatios of medians (${machine()})\n\n${goalTable()}`);
