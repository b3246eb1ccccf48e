#!/usr/bin/env node
/** The command line: the only place that reads the process's arguments and environment. */
import { homedir } from 'node:os';
import { CommanderError } from 'commander';
import { asOptmlError } from '../../errors.js';
import { safeText } from '../terminal/format.js';
import { buildProgram } from './program.js';

// A reader that has gone away (`| head`, a closed terminal) is no fault of the job.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

// Nobody is left who could say it better. The job's lock is a dead one now: "optml clean" closes it.
process.on('uncaughtException', thrown => {
  process.stderr.write(`optml: ${safeText(asOptmlError(thrown).message)}\n`, () => process.exit(1));
});

// Which Node a later AWS SDK will need is nothing that a user of the command can act on.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const program = buildProgram({
  environment: process.env,
  workingFolder: process.cwd(),
  userFolder: homedir(),
  setExitStatus: status => {
    process.exitCode = Math.max(Number(process.exitCode ?? 0), status);
  },
});

try {
  await program.parseAsync();
} catch (thrown) {
  // Commander has said what is wrong; help and version end with 0.
  if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode === 0 ? 0 : 2;
  else {
    const error = asOptmlError(thrown);
    process.stderr.write(`optml: ${safeText(error.message)}\n`);
    process.exitCode = error.exitStatus;
  }
}

// Node takes its signal handlers down before it ends: one that came then would take the place of the exit status.
// What was written before must have gone out by then, on both.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
