/** `optml process`: a CreateProcessingJob request from flags, then the same as `optml run`. */
import { OptmlError } from '../../../errors.js';
import type { JobRequest } from '../../../job/job-request.js';
import { readSettings, type ProcessFacts } from '../context.js';
import { jobNameOf, pairs, placeOf, requireImage, wholeNumber, type Place } from '../request-flags.js';
import { runFromFlags, type RunFlags } from './run.js';

export type ProcessFlags = RunFlags & {
  readonly image: string;
  readonly name?: string;
  readonly input?: readonly string[];
  readonly s3InputMode: string;
  readonly s3DataDistributionType: string;
  readonly output?: readonly string[];
  readonly s3UploadMode: string;
  readonly entrypoint?: readonly string[];
  readonly argument?: readonly string[];
  readonly environment?: readonly string[];
  readonly instanceType: string;
  readonly instanceCount: string;
  readonly volumeSize: string;
  readonly maxRuntime: string;
  readonly role?: string;
  readonly networkIsolation?: boolean;
  readonly printRequest?: boolean;
};

export async function processJob(facts: ProcessFacts, flags: ProcessFlags): Promise<void> {
  requireImage(flags.image);
  const name = flags.name ?? jobNameOf(flags.image, new Date());
  const inputs = (flags.input ?? []).map((text, index) =>
    inputOf(text, { job: name, name: `input-${index + 1}`, folder: facts.workingFolder }),
  );
  const { account } = await readSettings(facts, flags);
  await runFromFlags(facts, flags, {
    kind: 'processing',
    request: requestOf(flags, { name, account, inputs }),
    maps: inputs.flatMap(({ map }) => (map === null ? [] : [map])),
  });
}

interface InputFlag extends Place {
  /** `input-1` …, as the SageMaker SDK names them. */
  readonly name: string;
  readonly localPath: string;
}

/** `SOURCE:LOCALPATH`; both may have colons, so the one before `/opt/ml/` counts, else the last. */
function inputOf(text: string, at: { job: string; name: string; folder: string }): InputFlag {
  const before = text.lastIndexOf(':/opt/ml/');
  const colon = before === -1 ? text.lastIndexOf(':') : before;
  const localPath = text.slice(colon + 1);
  if (colon < 1 || !localPath.startsWith('/') || localPath.startsWith('//'))
    throw new OptmlError(
      'USAGE',
      `--input "${text}": expected s3://bucket/prefix:/opt/ml/processing/input, or ./folder before the colon.`,
    );
  return { name: at.name, localPath, ...placeOf(text.slice(0, colon), { ...at, flag: `--input ${text}` }) };
}

/** `LOCALPATH=s3://…` */
function outputOf(text: string, index: number, mode: string): JobRequest {
  const at = /=(?=(?:s3|https):\/\/)/.exec(text)?.index ?? -1;
  if (at < 1)
    throw new OptmlError(
      'USAGE',
      `--output "${text}": expected /opt/ml/processing/output=s3://bucket/prefix.`,
    );
  return {
    OutputName: `output-${index + 1}`,
    S3Output: { S3Uri: text.slice(at + 1), LocalPath: text.slice(0, at), S3UploadMode: mode },
  };
}

function requestOf(
  flags: ProcessFlags,
  { name, account, inputs }: { name: string; account: string; inputs: readonly InputFlag[] },
): JobRequest {
  const { entrypoint, argument, environment, output } = flags;
  return {
    ProcessingJobName: name,
    RoleArn: flags.role ?? `arn:aws:iam::${account}:role/optml`,
    AppSpecification: {
      ImageUri: flags.image,
      ...(entrypoint === undefined ? {} : { ContainerEntrypoint: entrypoint }),
      ...(argument === undefined ? {} : { ContainerArguments: argument }),
    },
    ...(environment === undefined ? {} : { Environment: pairs(environment, '--environment') }),
    ...(inputs.length === 0
      ? {}
      : {
          ProcessingInputs: inputs.map(input => ({
            InputName: input.name,
            S3Input: {
              S3Uri: input.uri,
              LocalPath: input.localPath,
              S3DataType: 'S3Prefix',
              S3InputMode: flags.s3InputMode,
              S3DataDistributionType: flags.s3DataDistributionType,
              S3CompressionType: 'None',
            },
          })),
        }),
    ...(output === undefined
      ? {}
      : {
          ProcessingOutputConfig: {
            Outputs: output.map((text, index) => outputOf(text, index, flags.s3UploadMode)),
          },
        }),
    ProcessingResources: {
      ClusterConfig: {
        InstanceCount: wholeNumber(flags.instanceCount, '--instance-count'),
        InstanceType: flags.instanceType,
        VolumeSizeInGB: wholeNumber(flags.volumeSize, '--volume-size'),
      },
    },
    StoppingCondition: { MaxRuntimeInSeconds: wholeNumber(flags.maxRuntime, '--max-runtime') },
    ...(flags.networkIsolation === true ? { NetworkConfig: { EnableNetworkIsolation: true } } : {}),
  };
}
