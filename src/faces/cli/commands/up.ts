/** `optml up`: the endpoint of this home until Ctrl-C, which is its ordinary end. */
import type { SettingFlags } from '../../../settings.js';
import { openEmulator, type OutputFlags, type ProcessFacts } from '../context.js';

export async function up(facts: ProcessFacts, flags: SettingFlags & OutputFlags): Promise<void> {
  const emulator = await openEmulator(facts, flags);
  const endpoint = await emulator.openEndpoint();
  // Whoever reads its line may end it at once.
  const ended = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ endpoint: endpoint.url })}\n`);
  else
    process.stderr.write(
      `S3 at ${endpoint.url}. In another terminal: eval "$(optml env)". Ctrl-C ends it.\n`,
    );
  await ended;
  await endpoint.close();
}
