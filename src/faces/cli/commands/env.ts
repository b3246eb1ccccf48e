/** `optml env`: one export line a variable, to be eval'ed by a shell. */
import type { SettingFlags } from '../../../settings.js';
import { openEmulator, type ProcessFacts } from '../context.js';

export async function env(facts: ProcessFacts, flags: SettingFlags): Promise<void> {
  const emulator = await openEmulator(facts, flags);
  const variables = await emulator.clientEnvironment();
  for (const [name, value] of Object.entries(variables))
    process.stdout.write(`export ${name}=${quoted(value)}\n`);
}

/** As one word of a shell, whatever is in it. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
