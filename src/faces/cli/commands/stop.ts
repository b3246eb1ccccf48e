/** `optml stop NAME`: Stop*Job, and the wait for the end. */
import { openEmulator, type ProcessFacts } from '../context.js';
import { kindFlag } from './kind-flag.js';
import type { ListFlags } from './ps.js';

export async function stop(facts: ProcessFacts, name: string, flags: ListFlags): Promise<void> {
  const emulator = await openEmulator(facts, flags);
  const job = await emulator.findJob(name, kindFlag(name, flags.kind));
  await emulator.stopJob(job);
  const state = await emulator.untilEnded(job);
  process.stderr.write(`${name}: ${state.secondaryStatus}\n`);
}
