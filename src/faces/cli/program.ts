/** The commands and their flags. What they do is in `commands/`, one file each, loaded when it is asked for. */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { OptmlError } from '../../errors.js';
import type { CleanFlags } from './commands/clean.js';
import type { ListFlags } from './commands/ps.js';
import type { LogFlags } from './commands/logs.js';
import type { RunFlags } from './commands/run.js';
import type { ProcessFlags } from './commands/process.js';
import type { TrainFlags } from './commands/train.js';
import type { SettingFlags } from '../../settings.js';
import { safeText } from '../terminal/format.js';
import { withSettings, type OutputFlags, type ProcessFacts } from './context.js';

export function buildProgram(facts: ProcessFacts): Command {
  const program = new Command('optml')
    .description('Runs AWS SageMaker jobs on your own Docker engine.')
    .version(packageVersion(), '-V, --version')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: wayOutTo('optml --help') });
  const command = (usage: string, description: string): Command =>
    withSettings(program.command(usage).description(description))
      .exitOverride()
      .configureOutput({ outputError: wayOutTo(`optml ${usage.split(' ')[0] ?? ''} --help`) });
  const kind = (): Option =>
    new Option('--kind <kind>', 'tells same-named jobs apart').choices([
      'training',
      'processing',
      'transform',
      'endpoint',
    ]);

  withSpotFlags(
    withRunFlags(command('run <file...>', 'run request files (JSON or YAML; - is stdin)')),
  ).action(async (files: string[], flags: RunFlags) =>
    (await import('./commands/run.js')).run(facts, files, flags),
  );
  withTrainFlags(
    withSpotFlags(withRunFlags(command('train', 'build a training request from flags and run it'))),
  ).action(async (flags: TrainFlags) => (await import('./commands/train.js')).train(facts, flags));
  withProcessFlags(
    withRunFlags(command('process', 'build a processing request from flags and run it')),
  ).action(async (flags: ProcessFlags) => (await import('./commands/process.js')).processJob(facts, flags));
  withInstanceFlag(command('plan <file>', 'what would happen, as JSON; touches no engine')).action(
    async (file: string, flags: SettingFlags) =>
      (await import('./commands/plan.js')).plan(facts, file, flags),
  );
  command('ps', 'the jobs of this home, running and past')
    .addOption(kind())
    .option('--json', 'one JSON array')
    .action(async (flags: ListFlags) => (await import('./commands/ps.js')).ps(facts, flags));
  command('describe <name>', 'the Describe response of a job, as JSON')
    .addOption(kind())
    .option('--json', 'on one line')
    .action(async (name: string, flags: ListFlags) =>
      (await import('./commands/describe.js')).describe(facts, name, flags),
    );
  command('logs <name>', 'what a job printed')
    .addOption(kind())
    .option('-f, --follow', 'go on until the job has ended')
    .option('--json', 'one {host, time, message} a line')
    .action(async (name: string, flags: LogFlags) =>
      (await import('./commands/logs.js')).logs(facts, name, flags),
    );
  command('stop <name>', 'stop a job as Stop*Job does, and wait until it has ended')
    .addOption(kind())
    .action(async (name: string, flags: ListFlags) =>
      (await import('./commands/stop.js')).stop(facts, name, flags),
    );
  command('doctor', 'what is wrong with engine, store, disk, and the command that mends it')
    .option('--json', 'an array of {check, ok, found, mend}')
    .action(async (flags: SettingFlags & OutputFlags) =>
      (await import('./commands/doctor.js')).doctor(facts, flags),
    );
  command('clean', 'end, collect and remove what a crashed run left')
    .option('--dry-run', 'only say what would be done')
    .option('--force', 'also what belongs to an owner that is not known here')
    .option('--json', 'an array of {what, name, job, done}')
    .action(async (flags: CleanFlags) => (await import('./commands/clean.js')).clean(facts, flags));
  command('up', 'the S3 endpoint of this home, until Ctrl-C')
    .option('--port <port>', 'OPTML_PORT; default 4566, 0 picks a free one')
    .option('--json', 'print {"endpoint": …} when ready')
    .action(async (flags: SettingFlags & OutputFlags) => (await import('./commands/up.js')).up(facts, flags));
  command('env', 'export lines for clients of the endpoint: eval "$(optml env)"')
    .option('--port <port>', 'where optml up will listen, if it is not running')
    .action(async (flags: SettingFlags) => (await import('./commands/env.js')).env(facts, flags));
  for (const name of NOT_BUILT) refuse(program, name);
  return program;
}

/** Part of the command line's contract, and not there yet: refused by name. */
const NOT_BUILT = ['transform', 'check', 'test'];

function refuse(program: Command, name: string): void {
  program
    .command(name, { hidden: true })
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(() => {
      throw new OptmlError(
        'USAGE',
        `"optml ${name}" is not built yet: this version runs training and processing jobs (optml run, optml train, optml process).`,
      );
    });
}

function withInstanceFlag(command: Command): Command {
  return command.option(
    '--emulate-instance',
    'limit CPU, memory and /dev/shm of each container to those of its instance type',
  );
}

function withRunFlags(command: Command): Command {
  return withInstanceFlag(command)
    .option('--keep', 'leave the /opt/ml tree of the job')
    .option('--json', 'print the Describe response of each ended job on stdout')
    .option('--quiet', 'say nothing but errors on stderr');
}

function withSpotFlags(command: Command): Command {
  return command.option(
    '--interrupt-after <seconds>',
    'interrupt spot training so long after its start, and restart it; 60,30 does it twice',
  );
}

function list(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function withProcessFlags(command: Command): Command {
  return command
    .requiredOption('--image <image>', 'ImageUri')
    .option('--name <name>', 'ProcessingJobName; made of the image and the time by default')
    .option(
      '--input <place:path>',
      's3://… or a local folder or file, and its LocalPath; may be repeated',
      list,
    )
    .option('--s3-input-mode <mode>', 'File or Pipe, of every input', 'File')
    .option(
      '--s3-data-distribution-type <type>',
      'FullyReplicated or ShardedByS3Key, of every input',
      'FullyReplicated',
    )
    .option('--output <path=s3>', 'LocalPath, and the S3Uri that it goes to; may be repeated', list)
    .option('--s3-upload-mode <mode>', 'EndOfJob or Continuous', 'EndOfJob')
    .option('--entrypoint <word>', 'ContainerEntrypoint, a word each; may be repeated', list)
    .option('--argument <word>', 'ContainerArguments, a word each; may be repeated', list)
    .option('--environment <name=value>', 'Environment; may be repeated', list)
    .option('--instance-type <type>', 'InstanceType', 'ml.m5.large')
    .option('--instance-count <n>', 'InstanceCount', '1')
    .option('--volume-size <gb>', 'VolumeSizeInGB', '30')
    .option('--max-runtime <seconds>', 'MaxRuntimeInSeconds', '86400')
    .option('--role <arn>', 'RoleArn')
    .option('--network-isolation', 'NetworkConfig.EnableNetworkIsolation')
    .option('--print-request', 'print the request instead of running it');
}

function withTrainFlags(command: Command): Command {
  return command
    .requiredOption('--image <image>', 'TrainingImage')
    .option('--name <name>', 'TrainingJobName; made of the image and the time by default')
    .option('--channel <name=place>', 's3://… or a local folder or file; may be repeated', list)
    .option('--hyperparameter <key=value>', 'may be repeated', list)
    .option('--env <name=value>', 'Environment; may be repeated', list)
    .option('--output <s3>', 'S3OutputPath', 's3://optml/output')
    .option('--entrypoint <word>', 'ContainerEntrypoint, a word each; may be repeated', list)
    .option('--argument <word>', 'ContainerArguments, a word each; may be repeated', list)
    .option('--input-mode <mode>', 'File, Pipe or FastFile', 'File')
    .option('--content-type <type>', 'ContentType of every channel')
    .option('--instance-type <type>', 'InstanceType', 'ml.m5.large')
    .option('--instance-count <n>', 'InstanceCount', '1')
    .option('--volume-size <gb>', 'VolumeSizeInGB', '30')
    .option('--max-runtime <seconds>', 'MaxRuntimeInSeconds', '86400')
    .option('--role <arn>', 'RoleArn')
    .option('--compression <type>', 'OutputDataConfig.CompressionType: GZIP or NONE')
    .option('--network-isolation', 'EnableNetworkIsolation')
    .option('--checkpoints <s3>', 'CheckpointConfig.S3Uri')
    .option('--spot', 'EnableManagedSpotTraining')
    .option('--max-wait <seconds>', 'MaxWaitTimeInSeconds; with --spot, MaxRuntimeInSeconds by default')
    .option('--print-request', 'print the request instead of running it');
}

/** Commander's errors as ours: one sentence, with the command that shows what is right. */
function wayOutTo(help: string): (text: string, write: (text: string) => void) => void {
  return (text, write) => {
    const sentence = text
      .replace(/^error: /, '')
      .trim()
      .replace(/\.?\s*\n\s*/g, ' ')
      .replace(/\.$/, '');
    write(`optml: ${safeText(sentence)}: "${help}" shows what there is.\n`);
  };
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
