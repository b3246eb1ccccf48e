/** `optml describe NAME`: the Describe response, times as on the wire. */
import { OptmlError } from '../../../errors.js';
import { openEmulator, type ProcessFacts } from '../context.js';
import type { ListFlags } from './ps.js';

export async function describe(facts: ProcessFacts, name: string, flags: ListFlags): Promise<void> {
  requireTraining(name, flags.kind);
  const emulator = await openEmulator(facts, flags);
  const response = await emulator.describeTrainingJob(name);
  process.stdout.write(`${JSON.stringify(response, null, flags.json === true ? undefined : 2)}\n`);
}

/** Training jobs are the only kind yet: of others there is none of any name. */
export function requireTraining(name: string, kind: string | undefined): void {
  if (kind !== undefined && kind !== 'training')
    throw new OptmlError(
      'JOB_NOT_FOUND',
      `There is no ${kind} job "${name}": this version runs training jobs.`,
    );
}
