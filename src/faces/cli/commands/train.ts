/** `optml train`: a CreateTrainingJob request from flags, then the same as `optml run`. */
import type { TrainingRequest } from '../../../job/training-job.js';
import { readSettings, type ProcessFacts } from '../context.js';
import { jobNameOf, pair, pairs, placeOf, requireImage, wholeNumber, type Place } from '../request-flags.js';
import { runFromFlags, type RunFlags } from './run.js';

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
  readonly checkpoints?: string;
  readonly spot?: boolean;
  readonly maxWait?: string;
  readonly printRequest?: boolean;
};

export async function train(facts: ProcessFacts, flags: TrainFlags): Promise<void> {
  requireImage(flags.image);
  const name = flags.name ?? jobNameOf(flags.image, new Date());
  const channels = (flags.channel ?? []).map(text => channelOf(text, { name, folder: facts.workingFolder }));
  const { account } = await readSettings(facts, flags);
  await runFromFlags(facts, flags, {
    kind: 'training',
    request: requestOf(flags, { name, account, channels }),
    maps: channels.flatMap(({ map }) => (map === null ? [] : [map])),
  });
}

interface ChannelFlag extends Place {
  readonly name: string;
}

function channelOf(text: string, { name: job, folder }: { name: string; folder: string }): ChannelFlag {
  const [name, place] = pair(text, '--channel', 'train=s3://bucket/prefix or train=./folder');
  return { name, ...placeOf(place, { flag: `--channel ${text}`, folder, job, name }) };
}

function requestOf(
  flags: TrainFlags,
  { name, account, channels }: { name: string; account: string; channels: readonly ChannelFlag[] },
): TrainingRequest {
  const { entrypoint, argument, contentType, compression, checkpoints } = flags;
  const wait = flags.maxWait ?? (flags.spot === true ? flags.maxRuntime : undefined);
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
    StoppingCondition: {
      MaxRuntimeInSeconds: wholeNumber(flags.maxRuntime, '--max-runtime'),
      ...(wait === undefined ? {} : { MaxWaitTimeInSeconds: wholeNumber(wait, '--max-wait') }),
    },
    ...(flags.spot === true ? { EnableManagedSpotTraining: true } : {}),
    ...(checkpoints === undefined ? {} : { CheckpointConfig: { S3Uri: checkpoints } }),
    ...(flags.networkIsolation === true ? { EnableNetworkIsolation: true } : {}),
  };
}
