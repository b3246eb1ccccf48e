/** `optml plan FILE`: what would happen, as JSON on stdout. */
import type { SettingFlags } from '../../../settings.js';
import { openEmulator, type ProcessFacts } from '../context.js';
import { readRequestFile } from '../request-file.js';

export async function plan(facts: ProcessFacts, file: string, flags: SettingFlags): Promise<void> {
  const emulator = await openEmulator(facts, flags);
  const printed = await emulator.planJob(await readRequestFile(file));
  process.stdout.write(`${JSON.stringify(printed, null, 2)}\n`);
}
