/** `optml clean`: what a crashed run left is ended, collected, closed and removed. */
import type { SettingFlags } from '../../../settings.js';
import { terminalObserver } from '../../terminal/terminal-observer.js';
import { openEmulator, type OutputFlags, type ProcessFacts } from '../context.js';

export type CleanFlags = SettingFlags & OutputFlags & { readonly dryRun?: boolean; readonly force?: boolean };

export async function clean(facts: ProcessFacts, flags: CleanFlags): Promise<void> {
  const emulator = await openEmulator(facts, flags);
  const observer = terminalObserver({
    stream: process.stderr,
    quiet: flags.json === true,
    colors: false,
  });
  const report = await emulator.clean({
    dryRun: flags.dryRun ?? false,
    force: flags.force ?? false,
    observer,
  });
  observer.finish();
  if (flags.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else if (report.length === 0) process.stdout.write('Nothing was left behind.\n');
  else
    for (const { what, name, job, done } of report)
      process.stdout.write(`${what} ${name}${job === '' || job === name ? '' : ` of ${job}`}: ${done}\n`);
}
