/**
 * The files of `/opt/ml/input/config`, byte for byte: compact JSON without a newline at the end (contract §1.3). Pure.
 */
import type { ConfiguredFolder, TrainingJob } from '../job/training-job.js';

const FOLDER = '/opt/ml/input/config';

/** A job with no instance groups runs as one of this name (contract §1.3). */
const DEFAULT_GROUP = 'homogeneousCluster';

export function configFiles(host: {
  readonly job: TrainingJob;
  readonly currentHost: string;
  readonly hosts: readonly string[];
}): Record<string, string> {
  const { job } = host;
  return {
    [`${FOLDER}/hyperparameters.json`]: JSON.stringify(job.hyperparameters),
    [`${FOLDER}/inputdataconfig.json`]: inputDataConfig(job),
    [`${FOLDER}/resourceconfig.json`]: resourceConfig(host),
    [`${FOLDER}/metric-definition-regex.json`]: metricDefinitions(job),
    ...(job.debugHook === null
      ? {}
      : { [`${FOLDER}/debughookconfig.json`]: debugHookConfig(job.name, job.debugHook) }),
    ...(job.tensorBoard === null
      ? {}
      : { [`${FOLDER}/tensorboardoutputconfig.json`]: tensorBoardConfig(job.name, job.tensorBoard) }),
  };
}

/** ContentType only where it was given, and then first; never the S3 URI; RecordWrapperType always. */
function inputDataConfig(job: TrainingJob): string {
  return JSON.stringify(
    Object.fromEntries(
      job.channels.map(channel => [
        channel.name,
        {
          ...(channel.contentType === null ? {} : { ContentType: channel.contentType }),
          TrainingInputMode: channel.inputMode,
          S3DistributionType: channel.distribution,
          RecordWrapperType: channel.recordWrapper,
        },
      ]),
    ),
  );
}

/** The form since 2022. */
function resourceConfig({
  job,
  currentHost,
  hosts,
}: {
  readonly job: TrainingJob;
  readonly currentHost: string;
  readonly hosts: readonly string[];
}): string {
  return JSON.stringify({
    current_host: currentHost,
    current_instance_type: job.instanceType,
    current_group_name: DEFAULT_GROUP,
    hosts,
    instance_groups: [{ instance_group_name: DEFAULT_GROUP, instance_type: job.instanceType, hosts }],
    network_interface_name: 'eth0',
  });
}

/** `[]` is captured; the form of an element is not known (UNCONFIRMED): the request's own is used. */
function metricDefinitions(job: TrainingJob): string {
  return JSON.stringify(job.metricDefinitions.map(({ name, regex }) => ({ Name: name, Regex: regex })));
}

function debugHookConfig(jobName: string, { config }: ConfiguredFolder): string {
  return JSON.stringify({
    S3OutputPath: below(config['S3OutputPath'], jobName, 'debug-output'),
    LocalPath: config['LocalPath'],
    HookParameters: config['HookParameters'] ?? null,
    CollectionConfigurations: config['CollectionConfigurations'] ?? null,
  });
}

function tensorBoardConfig(jobName: string, { config }: ConfiguredFolder): string {
  return JSON.stringify({
    S3OutputPath: below(config['S3OutputPath'], jobName, 'tensorboard-output'),
    LocalPath: config['LocalPath'],
  });
}

function below(uri: unknown, ...parts: readonly string[]): string {
  return [String(uri).replace(/\/$/, ''), ...parts].join('/');
}
