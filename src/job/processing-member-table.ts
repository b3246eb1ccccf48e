/**
 * What becomes of every member of CreateProcessingJob: honoured as on SageMaker, different here, or refused. The
 * differences of a job, its refusals and docs/differences.md come from these rows.
 */
import {
  ACCELERATED,
  GIVEN,
  is,
  NETWORK_NOT_ISOLATED,
  TRUE,
  type MemberRow,
  type When,
} from './member-row.js';
import { isObject } from './validate.js';

const DATASET_IN_PIPE_MODE: When = {
  words: 'with the InputMode `Pipe`',
  holds: value => isObject(value) && value['InputMode'] === 'Pipe',
};

export const PROCESSING_MEMBER_TABLE: readonly MemberRow[] = [
  { member: 'ProcessingJobName', honoured: '' },
  {
    member: 'RoleArn',
    honoured: 'its account stands in the ARN; its permissions are not evaluated',
    difference: {
      when: NETWORK_NOT_ISOLATED,
      here: "the container gets keys of the job's own, which open its store and nothing else, also under S3's own names; with --store aws, none",
      why: 'on SageMaker it has the credentials of this role and reaches S3 with them; there is no role to assume here',
    },
  },
  { member: 'AppSpecification', honoured: '' },
  {
    member: 'AppSpecification.ImageUri',
    honoured: 'pulled with your Docker credentials, or found locally',
  },
  { member: 'AppSpecification.ContainerEntrypoint', honoured: '' },
  { member: 'AppSpecification.ContainerArguments', honoured: 'nothing is ever appended' },
  {
    member: 'Environment',
    honoured:
      "beside it stand an endpoint, keys, `AWS_CA_BUNDLE` (what the world trusts, and the authority of S3's names here) and `NODE_EXTRA_CA_CERTS`; what it sets stays as it is, and one that sets an endpoint or keys gets none of ours",
  },

  { member: 'ProcessingInputs', honoured: '' },
  { member: 'ProcessingInputs[].InputName', honoured: '' },
  { member: 'ProcessingInputs[].AppManaged', honoured: 'with `true` nothing is brought, as on SageMaker' },
  { member: 'ProcessingInputs[].S3Input', honoured: '' },
  { member: 'ProcessingInputs[].S3Input.S3Uri', honoured: '' },
  { member: 'ProcessingInputs[].S3Input.LocalPath', honoured: 'also one below that of another input' },
  {
    member: 'ProcessingInputs[].S3Input.S3DataType',
    honoured: '`S3Prefix`; `ManifestFile`: files lie under their whole keys (UNCONFIRMED)',
  },
  {
    member: 'ProcessingInputs[].S3Input.S3InputMode',
    honoured: '`File`',
    refused: [
      {
        when: is('Pipe'),
        why: 'how the FIFOs of a processing job are named is not documented',
        instead: 'use File mode',
      },
    ],
  },
  {
    member: 'ProcessingInputs[].S3Input.S3DataDistributionType',
    honoured: '`ShardedByS3Key` deals the listing out to the hosts, object by object',
  },
  {
    member: 'ProcessingInputs[].S3Input.S3CompressionType',
    honoured: '`None`',
    refused: [
      {
        when: is('Gzip'),
        why: 'it needs Pipe mode, whose FIFOs are not documented for processing jobs',
        instead: 'unpack in the container',
      },
    ],
  },
  {
    member: 'ProcessingInputs[].DatasetDefinition.**',
    difference: {
      when: GIVEN,
      here: 'no query is run: the files of the folder that --map-dataset NAME=./folder names stand for its result, as they are; without one the request is refused',
      why: 'optml cannot ask Athena or Redshift',
    },
    refused: [
      {
        when: DATASET_IN_PIPE_MODE,
        why: 'how a FIFO would bring the result of a query is not documented',
        instead: 'use File mode',
      },
    ],
  },

  { member: 'ProcessingOutputConfig', honoured: '' },
  { member: 'ProcessingOutputConfig.Outputs', honoured: '' },
  { member: 'ProcessingOutputConfig.Outputs[].OutputName', honoured: '' },
  {
    member: 'ProcessingOutputConfig.Outputs[].AppManaged',
    honoured: 'with `true` nothing is uploaded, as on SageMaker',
  },
  { member: 'ProcessingOutputConfig.Outputs[].S3Output', honoured: '' },
  { member: 'ProcessingOutputConfig.Outputs[].S3Output.S3Uri', honoured: '' },
  { member: 'ProcessingOutputConfig.Outputs[].S3Output.LocalPath', honoured: '' },
  {
    member: 'ProcessingOutputConfig.Outputs[].S3Output.S3UploadMode',
    honoured:
      'outputs of failed and stopped jobs are uploaded, too; `Continuous` sends a file when it has held still for half a second (UNCONFIRMED); on engines whose volumes this machine cannot watch, when the job has ended, and the run says so',
  },
  {
    member: 'ProcessingOutputConfig.Outputs[].FeatureStoreOutput.**',
    refused: [
      {
        when: GIVEN,
        why: 'the Feature Store exists on SageMaker only',
        instead: 'write the records into an S3Output',
      },
    ],
  },
  {
    member: 'ProcessingOutputConfig.KmsKeyId',
    difference: {
      when: GIVEN,
      here: 'sent as SSE-KMS to AWS and other S3 servers; the embedded store keeps plain files',
      why: 'the embedded store is a folder that you can read',
    },
  },

  { member: 'ProcessingResources', honoured: '' },
  { member: 'ProcessingResources.ClusterConfig', honoured: '' },
  {
    member: 'ProcessingResources.ClusterConfig.InstanceCount',
    honoured: "a container an instance; all of them share this machine's CPU and memory",
  },
  {
    member: 'ProcessingResources.ClusterConfig.InstanceType',
    honoured: "picks the image's platform (arm64 for Graviton); CPU and memory are this machine's",
    difference: {
      when: ACCELERATED,
      here: 'the container gets no GPU and no accelerator',
      why: 'optml does not hand them to containers yet',
    },
  },
  {
    member: 'ProcessingResources.ClusterConfig.VolumeSizeInGB',
    honoured: 'not a limit: the job has the disk of this machine',
  },
  {
    member: 'ProcessingResources.ClusterConfig.VolumeKmsKeyId',
    difference: {
      when: GIVEN,
      here: 'files of the running job are not encrypted',
      why: 'they lie on the disk of this machine',
    },
  },

  { member: 'StoppingCondition', honoured: '' },
  { member: 'StoppingCondition.MaxRuntimeInSeconds', honoured: 'to the second; the job ends as Stopped' },

  { member: 'NetworkConfig', honoured: '' },
  { member: 'NetworkConfig.EnableNetworkIsolation', honoured: 'the container has no network at all' },
  {
    member: 'NetworkConfig.EnableInterContainerTrafficEncryption',
    honoured: '`false`',
    difference: {
      when: TRUE,
      here: 'traffic between the hosts is not encrypted',
      why: 'it does not leave this machine',
    },
  },
  {
    member: 'NetworkConfig.VpcConfig.**',
    difference: {
      when: GIVEN,
      here: "one host is on the engine's default network, several on one of the job's own, an isolated one on none",
      why: 'there are no subnets and security groups here',
    },
  },
  {
    member: 'Tags.**',
    difference: {
      when: GIVEN,
      here: 'they are kept in the request of the job only',
      why: 'nothing here lists or bills by tags',
    },
  },
  {
    member: 'ExperimentConfig.**',
    difference: {
      when: GIVEN,
      here: 'the job joins no experiment',
      why: 'experiments exist on SageMaker only',
    },
  },
];
