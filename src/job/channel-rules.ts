/** The rules between the members of InputDataConfig that AWS enforces (contract §1.5, §4.4). */
import { inputModeOf, type ChannelRequest, type CheckedRequest } from './checked-request.js';
import { repeated } from './repeated.js';

/** The service restores checkpoints as a channel of this name (contract §1.3, §1.9). */
export const CHECKPOINTS = 'checkpoints';

/** The rules that the channels of a request break, one sentence each. */
export function channelRules(request: CheckedRequest): readonly string[] {
  return [channelNames, channelSources, channelModes, channelGroups].flatMap(rule => rule(request));
}

function channelNames({
  InputDataConfig: channels = [],
  CheckpointConfig: checkpoints,
}: CheckedRequest): readonly string[] {
  const names = channels.map(channel => channel.ChannelName);
  return [
    ...repeated(names).map(
      name => `Invalid InputDataConfig. Channel names must be unique, but '${name}' is given more than once.`,
    ),
    ...names
      .filter(name => /^\.{1,2}$/.test(name))
      .map(
        name =>
          `Invalid InputDataConfig. A channel cannot be named '${name}': its folder would be another one.`,
      ),
    ...names
      .filter(name => names.includes(`${name}-manifest`))
      .map(
        name =>
          `Invalid InputDataConfig. Channel '${name}' brings a file ${name}-manifest, so no other channel can have that name.`,
      ),
    ...(checkpoints === undefined
      ? []
      : names.filter(name => [CHECKPOINTS, `${CHECKPOINTS}-manifest`].includes(name))
    ).map(
      name =>
        `Invalid InputDataConfig. With CheckpointConfig no channel can be named '${name}': /opt/ml/input/data/${CHECKPOINTS}-manifest lists the checkpoints.`,
    ),
  ];
}

function channelSources({ InputDataConfig: channels = [], VpcConfig }: CheckedRequest): readonly string[] {
  return channels.flatMap((channel, index) => {
    const where = `Invalid InputDataConfig[${index}]`;
    const { S3DataSource, FileSystemDataSource, DatasetSource } = channel.DataSource;
    const given = [S3DataSource, FileSystemDataSource, DatasetSource].filter(
      source => source !== undefined,
    ).length;
    if (given !== 1)
      return [
        `${where}. DataSource must have exactly one of S3DataSource, FileSystemDataSource and DatasetSource, and has ${given}.`,
      ];
    if (FileSystemDataSource !== undefined && VpcConfig === undefined)
      return [
        `${where}. FileSystemDataSource needs VpcConfig, which gives the job a way to the file system.`,
      ];
    if (
      S3DataSource?.S3DataType === 'AugmentedManifestFile' &&
      (S3DataSource.AttributeNames ?? []).length === 0
    )
      return [`${where}. S3DataType AugmentedManifestFile needs AttributeNames.`];
    return [];
  });
}

function channelModes(request: CheckedRequest): readonly string[] {
  return (request.InputDataConfig ?? []).flatMap((channel, index) => {
    const mode = inputModeOf(channel, request);
    return brokenModes(channel, mode).map(
      rule =>
        `Invalid InputDataConfig[${index}]. ${rule}, but the input mode of channel '${channel.ChannelName}' is ${mode}.`,
    );
  });
}

function brokenModes(channel: ChannelRequest, mode: string): readonly string[] {
  const { S3DataSource, FileSystemDataSource } = channel.DataSource;
  const type = S3DataSource?.S3DataType;
  return [
    ...(channel.CompressionType === 'Gzip' && mode !== 'Pipe'
      ? ['CompressionType Gzip is for Pipe mode only']
      : []),
    ...(type === 'AugmentedManifestFile' && mode !== 'Pipe'
      ? ['S3DataType AugmentedManifestFile is for Pipe mode only']
      : []),
    ...(mode === 'FastFile' && type !== undefined && type !== 'S3Prefix' && type !== 'AugmentedManifestFile'
      ? [`S3DataType ${type} cannot be read in FastFile mode, which takes S3Prefix`]
      : []),
    ...(FileSystemDataSource !== undefined && mode !== 'File'
      ? ['FileSystemDataSource is for File mode only']
      : []),
  ];
}

function channelGroups({
  InputDataConfig: channels = [],
  ResourceConfig,
}: CheckedRequest): readonly string[] {
  const groups = (ResourceConfig?.InstanceGroups ?? []).map(group => group.InstanceGroupName);
  const named = channels.map(channel => channel.DataSource.S3DataSource?.InstanceGroupNames ?? []);
  const unknown = [...new Set(named.flat())].filter(name => !groups.includes(name));
  const some = named.some(names => names.length > 0) && named.some(names => names.length === 0);
  return [
    ...unknown.map(
      name => `Invalid InputDataConfig. InstanceGroupNames has '${name}', which no instance group is named.`,
    ),
    ...(some
      ? ['Invalid InputDataConfig. Either every channel names its instance groups, or none does.']
      : []),
  ];
}
