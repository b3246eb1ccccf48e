/** `optml train`: a CreateTrainingJob request from flags, then the same as `optml run`. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { OptmlError } from '../../../errors.js';
import type { TrainingRequest } from '../../../job/training-job.js';
import { readSettings, type ProcessFacts } from '../context.js';
import { runRequests, type RunFlags } from './run.js';

export type TrainFlags = RunFlags & {
  readonly image: string;
  readonly name?: string;
  readonly channel?: readonly string[];
  readonly hyperparameter?: readonly string[];
  readonly env?: readonly string[];
  readonly output: string;
  readonly entrypoint?: readonly string[];
  readonly argument?: readonly string[];
  readonly inputMode: string;
  readonly contentType?: string;
  readonly instanceType: string;
  readonly instanceCount: string;
  readonly volumeSize: string;
  readonly maxRuntime: string;
  readonly role?: string;
  readonly compression?: string;
  readonly networkIsolation?: boolean;
  readonly printRequest?: boolean;
};

/** Local folders stand in the request as places of this bucket, which a map leads back to the folder. */
const LOCAL_BUCKET = 'optml-local';

export async function train(facts: ProcessFacts, flags: TrainFlags): Promise<void> {
  if (flags.image.trim() === '')
    throw new OptmlError('USAGE', `--image is "${flags.image}": expected the name of an image.`);
  const name = flags.name ?? jobName(flags.image, new Date());
  const channels = (flags.channel ?? []).map(text => channelOf(text, { name, folder: facts.workingFolder }));
  const { account } = await readSettings(facts, flags);
  const request = requestOf(flags, { name, account, channels });
  const maps = channels.flatMap(({ map }) => (map === null ? [] : [map]));
  if (flags.printRequest === true) {
    process.stdout.write(`${JSON.stringify(request, null, 2)}\n`);
    for (const map of maps) process.stderr.write(`Run it with --map ${map}\n`);
    return;
  }
  const settings = maps.length === 0 ? flags : { ...flags, map: [...(flags.map ?? []), ...maps] };
  await runRequests(facts, [() => Promise.resolve(request)], settings);
}

interface ChannelFlag {
  readonly name: string;
  readonly uri: string;
  /** `s3://…=folder` for a channel that lies on this machine. */
  readonly map: string | null;
}

function channelOf(text: string, { name, folder }: { name: string; folder: string }): ChannelFlag {
  const [channel, place] = pair(text, '--channel', 'train=s3://bucket/prefix or train=./folder');
  if (/^(s3|https):\/\//.test(place)) return { name: channel, uri: place, map: null };
  const path = resolve(folder, place);
  if (!existsSync(path))
    throw new OptmlError(
      'USAGE',
      `--channel ${text}: there is no "${place}" here: expected an s3:// URI, or a folder or file of this machine.`,
    );
  const uri = `s3://${LOCAL_BUCKET}/${name}/${channel}`;
  const isFolder = statSync(path).isDirectory();
  const leaf = path.split('/').at(-1) ?? '';
  return isFolder
    ? { name: channel, uri: `${uri}/`, map: `${uri}=${path}` }
    : { name: channel, uri: `${uri}/${leaf}`, map: `${uri}/${leaf}=${path}` };
}

function requestOf(
  flags: TrainFlags,
  { name, account, channels }: { name: string; account: string; channels: readonly ChannelFlag[] },
): TrainingRequest {
  const { entrypoint, argument, contentType, compression } = flags;
  return {
    TrainingJobName: name,
    RoleArn: flags.role ?? `arn:aws:iam::${account}:role/optml`,
    AlgorithmSpecification: {
      TrainingImage: flags.image,
      TrainingInputMode: flags.inputMode,
      ...(entrypoint === undefined ? {} : { ContainerEntrypoint: entrypoint }),
      ...(argument === undefined ? {} : { ContainerArguments: argument }),
    },
    ...(flags.hyperparameter === undefined
      ? {}
      : { HyperParameters: pairs(flags.hyperparameter, '--hyperparameter') }),
    ...(flags.env === undefined ? {} : { Environment: pairs(flags.env, '--env') }),
    ...(channels.length === 0
      ? {}
      : {
          InputDataConfig: channels.map(channel => ({
            ChannelName: channel.name,
            ...(contentType === undefined ? {} : { ContentType: contentType }),
            DataSource: {
              S3DataSource: {
                S3DataType: 'S3Prefix',
                S3Uri: channel.uri,
                S3DataDistributionType: 'FullyReplicated',
              },
            },
          })),
        }),
    OutputDataConfig: {
      S3OutputPath: flags.output,
      ...(compression === undefined ? {} : { CompressionType: compression }),
    },
    ResourceConfig: {
      InstanceType: flags.instanceType,
      InstanceCount: wholeNumber(flags.instanceCount, '--instance-count'),
      VolumeSizeInGB: wholeNumber(flags.volumeSize, '--volume-size'),
    },
    StoppingCondition: { MaxRuntimeInSeconds: wholeNumber(flags.maxRuntime, '--max-runtime') },
    ...(flags.networkIsolation === true ? { EnableNetworkIsolation: true } : {}),
  };
}

/** As the SageMaker SDKs name jobs: a base and the time. */
function jobName(image: string, time: Date): string {
  const leaf =
    image
      .split('/')
      .at(-1)
      ?.replace(/[:@].*$/, '') ?? '';
  const base = leaf
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 38);
  return `${base === '' ? 'job' : base}-${time.toISOString().replace(/[T:.]/g, '-').slice(0, 23)}`;
}

function pairs(texts: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(texts.map(text => pair(text, flag, 'key=value')));
}

function pair(text: string, flag: string, expected: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new OptmlError('USAGE', `${flag} "${text}": expected ${expected}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function wholeNumber(text: string, flag: string): number {
  if (!/^\d+$/.test(text)) throw new OptmlError('USAGE', `${flag} "${text}": expected a whole number.`);
  return Number(text);
}
