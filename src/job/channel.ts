/** A channel of a job as it was asked for, checked: what data it is, and how it reaches which hosts. Pure. */
import {
  inputModeOf,
  type ChannelRequest,
  type CheckedRequest,
  type FileSystemDataSource,
  type InputMode,
} from './checked-request.js';
import { orNull } from './job-request.js';
import { parseS3Location, type S3Location } from './s3-location.js';

export type Channel = S3Channel | FileSystemChannel;

interface AnyChannel {
  readonly name: string;
  /** `null` when absent: then it does not stand in inputdataconfig.json. */
  readonly contentType: string | null;
  /** The channel's own, else the job's. */
  readonly inputMode: InputMode;
  readonly recordWrapper: 'None' | 'RecordIO';
  readonly compression: 'None' | 'Gzip';
  /** Null without ShuffleConfig. */
  readonly shuffleSeed: number | null;
  readonly distribution: 'FullyReplicated' | 'ShardedByS3Key';
  /** Empty: the channel goes to every host. */
  readonly instanceGroups: readonly string[];
}

export interface S3Channel extends AnyChannel {
  readonly dataType: 'S3Prefix' | 'ManifestFile' | 'AugmentedManifestFile';
  /** The key prefix, or the manifest's key. */
  readonly location: S3Location;
  /** Of an augmented manifest, in the order in which their values are sent; else empty. */
  readonly attributeNames: readonly string[];
  readonly fileSystem: null;
}

export interface FileSystemChannel extends AnyChannel {
  readonly fileSystem: FileSystem;
}

/** The channels whose data comes from a store. */
export function s3Channels({ channels }: { readonly channels: readonly Channel[] }): S3Channel[] {
  return channels.flatMap(channel => (channel.fileSystem === null ? [channel] : []));
}

/** A folder of EFS or FSx for Lustre. */
export interface FileSystem {
  /** `fs-0123…` */
  readonly id: string;
  readonly type: 'EFS' | 'FSxLustre';
  readonly accessMode: 'ro' | 'rw';
  readonly directoryPath: string;
}

/** None for a dataset of a hub, which the member table has refused. */
export function channelOf(channel: ChannelRequest, index: number, request: CheckedRequest): Channel[] {
  const { S3DataSource: source, FileSystemDataSource: folder } = channel.DataSource;
  const common: AnyChannel = {
    name: channel.ChannelName,
    contentType: orNull(channel.ContentType),
    inputMode: inputModeOf(channel, request),
    recordWrapper: channel.RecordWrapperType ?? 'None',
    compression: channel.CompressionType ?? 'None',
    shuffleSeed: channel.ShuffleConfig?.Seed ?? null,
    distribution: source?.S3DataDistributionType ?? 'FullyReplicated',
    instanceGroups: source?.InstanceGroupNames ?? [],
  };
  if (folder !== undefined) return [{ ...common, fileSystem: fileSystemOf(folder) }];
  if (source === undefined || source.S3DataType === 'Converse') return [];
  return [
    {
      ...common,
      dataType: source.S3DataType,
      location: parseS3Location(source.S3Uri, `InputDataConfig[${index}].DataSource.S3DataSource.S3Uri`),
      attributeNames: source.S3DataType === 'AugmentedManifestFile' ? (source.AttributeNames ?? []) : [],
      fileSystem: null,
    },
  ];
}

function fileSystemOf(source: FileSystemDataSource): FileSystem {
  return {
    id: source.FileSystemId,
    type: source.FileSystemType,
    accessMode: source.FileSystemAccessMode,
    directoryPath: source.DirectoryPath,
  };
}
