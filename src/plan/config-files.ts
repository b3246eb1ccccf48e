/**
 * The files of `/opt/ml/input/config`, byte for byte: compact JSON without a newline at the end (contract §1.3). Pure.
 */
import type { Checkpoints, ConfiguredFolder, TrainingJob } from '../job/training-job.js';
import type { Host } from './hosts.js';

const FOLDER = '/opt/ml/input/config';

export function configFiles(host: {
  readonly job: TrainingJob;
  readonly currentHost: Host;
  readonly hosts: readonly Host[];
}): Record<string, string> {
  const { job } = host;
  return {
    [`${FOLDER}/hyperparameters.json`]: JSON.stringify(job.hyperparameters),
    [`${FOLDER}/inputdataconfig.json`]: inputDataConfig(job),
    [`${FOLDER}/resourceconfig.json`]: resourceConfig(host),
    [`${FOLDER}/metric-definition-regex.json`]: metricDefinitions(job),
    ...(job.checkpoints === null
      ? {}
      : { [`${FOLDER}/checkpointconfig.json`]: checkpointConfig(job.checkpoints) }),
    ...(job.debugHook === null
      ? {}
      : { [`${FOLDER}/debughookconfig.json`]: debugHookConfig(job.name, job.debugHook) }),
    ...(job.tensorBoard === null
      ? {}
      : { [`${FOLDER}/tensorboardoutputconfig.json`]: tensorBoardConfig(job.name, job.tensorBoard) }),
  };
}

/**
 * ContentType only where it was given, and then first; never the S3 URI; RecordWrapperType always. A host sees the channels
 * of other instance groups too (UNCONFIRMED, contract §1.5).
 */
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
  readonly currentHost: Host;
  readonly hosts: readonly Host[];
}): string {
  return JSON.stringify({
    current_host: currentHost.name,
    current_instance_type: currentHost.instanceType,
    current_group_name: currentHost.group,
    hosts: hosts.map(host => host.name),
    instance_groups: job.instanceGroups.map(({ name, instanceType }) => ({
      instance_group_name: name,
      instance_type: instanceType,
      hosts: hosts.filter(host => host.group === name).map(host => host.name),
    })),
    network_interface_name: 'eth0',
  });
}

/** `[]` is captured; the form of an element is not known (UNCONFIRMED): the request's own is used. */
function metricDefinitions(job: TrainingJob): string {
  return JSON.stringify(job.metricDefinitions.map(({ name, regex }) => ({ Name: name, Regex: regex })));
}

/** LocalPath and nothing else (contract §1.3). */
function checkpointConfig({ localPath }: Checkpoints): string {
  return JSON.stringify({ LocalPath: localPath });
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
