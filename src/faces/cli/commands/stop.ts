/** `optml stop NAME`: StopTrainingJob, and the wait for the end. */
import { openEmulator, type ProcessFacts } from '../context.js';
import { requireTraining } from './describe.js';
import type { ListFlags } from './ps.js';

export async function stop(facts: ProcessFacts, name: string, flags: ListFlags): Promise<void> {
  requireTraining(name, flags.kind);
  const emulator = await openEmulator(facts, flags);
  await emulator.stopTrainingJob(name);
  const state = await emulator.untilEnded(name);
  process.stderr.write(`${name}: ${state.secondaryStatus}\n`);
}
