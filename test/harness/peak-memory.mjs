/** Loaded into a command by `node --import`: writes down at its end how much memory it had at most, in kilobytes. */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

if (isMainThread)
  process.on('exit', () =>
    writeFileSync(process.env.PEAK_MEMORY_FILE, String(process.resourceUsage().maxRSS)),
  );
