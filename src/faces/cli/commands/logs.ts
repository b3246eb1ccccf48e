/** `optml logs NAME [-f]`: what a job printed, all hosts, oldest first. */
import type { SettingFlags } from '../../../settings.js';
import { openEmulator, type OutputFlags, type ProcessFacts } from '../context.js';
import { kindFlag } from './kind-flag.js';

export type LogFlags = SettingFlags & OutputFlags & { readonly kind?: string; readonly follow?: boolean };

export async function logs(facts: ProcessFacts, name: string, flags: LogFlags): Promise<void> {
  const emulator = await openEmulator(facts, flags);
  const job = await emulator.findJob(name, kindFlag(name, flags.kind));
  for await (const { host, time, message } of emulator.logs(job, { follow: flags.follow ?? false }))
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify({ host, time: time / 1000, message })}\n`
        : `${host} | ${message}\n`,
    );
}
