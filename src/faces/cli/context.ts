/** What every command begins with: settings from flags, variables and the config file; and the emulator of these settings. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createEmulator, type Emulator } from '../../emulator.js';
import { OptmlError } from '../../errors.js';
import { resolveSettings, type SettingFlags, type Settings, type SettingSources } from '../../settings.js';

/** What the process is, as values. */
export interface ProcessFacts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
  readonly userFolder: string;
  /** The highest that was set is the one that counts. */
  readonly setExitStatus: (status: number) => void;
}

export interface OutputFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export async function openEmulator(facts: ProcessFacts, flags: SettingFlags): Promise<Emulator> {
  return createEmulator({ settings: await readSettings(facts, flags), environment: facts.environment });
}

export async function readSettings(facts: ProcessFacts, flags: SettingFlags): Promise<Settings> {
  const { environment, workingFolder, userFolder } = facts;
  return resolveSettings({
    flags,
    environment,
    workingFolder,
    userFolder,
    file: await readConfigFile(workingFolder),
  });
}

/** The settings' flags, on every command that needs them. */
export function withSettings(command: Command): Command {
  return command
    .option('--home <dir>', 'where jobs, logs and the embedded store lie (OPTML_HOME; default ~/.optml)')
    .option('--store <store>', 'embedded, aws, or the URL of an S3-compatible server (OPTML_STORE)')
    .option('--map <s3=path>', 'read s3://bucket/prefix from a local folder; may be repeated', collect)
    .option('--map-fs <id=path>', 'let a local folder stand for a file system; may be repeated', collect)
    .option(
      '--map-dataset <name=path>',
      "let a local folder stand for a query's result; may be repeated",
      collect,
    )
    .option('--fastfile <how>', 'FastFile channels: download (the default), or lazy, which mounts them')
    .option('--map-image <uri=name>', 'use a local image for this one; may be repeated', collect)
    .option('--region <region>', 'default us-east-1')
    .option('--account <id>', "twelve digits; the RoleArn's goes first")
    .option('--docker-host <url>', 'the engine (DOCKER_HOST and docker contexts are honoured)')
    .option('--strict', 'refuse a request for which anything would be different from SageMaker');
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

const CONFIG_FILES = ['optml.config.json', 'optml.config.yaml', 'optml.config.yml'];

async function readConfigFile(folder: string): Promise<SettingSources['file']> {
  const path = CONFIG_FILES.find(one => existsSync(join(folder, one)));
  if (path === undefined) return undefined;
  const { checkSettingsFile } = await import('../../settings-file.js');
  return { path, settings: checkSettingsFile({ path, content: await parseFile(folder, path) }) };
}

async function parseFile(folder: string, name: string): Promise<unknown> {
  try {
    const text = readFileSync(join(folder, name), 'utf8');
    if (name.endsWith('.json')) return JSON.parse(text);
    const { parse } = await import('yaml');
    // It would print its warnings: the only one that is left then, a map for a key, ends as a setting that does not exist.
    return parse(text, { logLevel: 'error' });
  } catch (thrown) {
    const [why = ''] = (thrown as Error).message.split('\n');
    throw new OptmlError('USAGE', `${name} cannot be read: ${why}. Mend it or remove it.`, { cause: thrown });
  }
}
