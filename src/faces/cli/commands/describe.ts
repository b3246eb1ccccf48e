/** `optml describe NAME`: the Describe response, times as on the wire. */
import { openEmulator, type ProcessFacts } from '../context.js';
import { kindFlag } from './kind-flag.js';
import type { ListFlags } from './ps.js';

export async function describe(facts: ProcessFacts, name: string, flags: ListFlags): Promise<void> {
  const emulator = await openEmulator(facts, flags);
  const job = await emulator.findJob(name, kindFlag(name, flags.kind));
  const response = await emulator.describeJob(job);
  process.stdout.write(`${JSON.stringify(response, null, flags.json === true ? undefined : 2)}\n`);
}
