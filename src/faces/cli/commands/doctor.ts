/** `optml doctor`: what is wrong, and the command that mends it. Exit status 3 when something is. */
import type { SettingFlags } from '../../../settings.js';
import { openEmulator, type OutputFlags, type ProcessFacts } from '../context.js';

export async function doctor(facts: ProcessFacts, flags: SettingFlags & OutputFlags): Promise<void> {
  const emulator = await openEmulator(facts, flags);
  const findings = await emulator.examine();
  if (flags.json === true) process.stdout.write(`${JSON.stringify(findings)}\n`);
  else
    for (const { check, ok, found, mend } of findings) {
      process.stdout.write(`${ok ? 'ok  ' : 'BAD '} ${check.padEnd(8)} ${found}\n`);
      if (mend !== null) process.stdout.write(`              ${mend}\n`);
    }
  if (findings.some(one => !one.ok)) facts.setExitStatus(3);
}
