/**
 * What becomes of every member of CreateProcessingJob: honoured as on SageMaker, different here, or refused. The
 * differences of a job, its refusals and docs/differences.md come from these rows.
 */
import { EXPERIMENT, OUTPUT_KEY, ROLE, TAGS, TRAFFIC, VOLUME_KEY, VPC } from './every-kind-differences.js';
import {
  ACCELERATED_DIFFERENCE,
  GIVEN,
  is,
  MACHINE,
  NETWORK_NOT_ISOLATED,
  TRUE_WITH_PEERS,
  type MemberRow,
  type When,
} from './member-row.js';
import { PIPE_IN_THE_WAY } from './pipe-paths.js';
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
    difference: { when: NETWORK_NOT_ISOLATED, ...ROLE },
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
    difference: {
      when: is('Pipe'),
      here: 'its FIFOs are `<LocalPath>_0`, `<LocalPath>_1` …, one an epoch, as those of training channels; the folder in which they lie hides what the image has there',
      why: 'how SageMaker names the FIFOs of a processing job is not documented',
    },
    refused: [
      {
        when: PIPE_IN_THE_WAY,
        why: 'its FIFOs, `<LocalPath>_0` …, would lie in the folder of an output or at the LocalPath of another input or output',
        instead: 'give it a LocalPath apart from them',
      },
    ],
  },
  {
    member: 'ProcessingInputs[].S3Input.S3DataDistributionType',
    honoured: '`ShardedByS3Key` deals the listing out to the hosts, object by object',
  },
  {
    member: 'ProcessingInputs[].S3Input.S3CompressionType',
    honoured: '`Gzip` is for Pipe mode: objects are unpacked on their way',
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
      'outputs of failed and stopped jobs are uploaded, too; `Continuous` sends a file when it is closed and has held still for half a second, or for one and a half while it is kept open (UNCONFIRMED), and what the container removes stays; where this user cannot watch the folders (not root, or an engine that is not on this Linux machine), when the job has ended, and the run says so',
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
  { member: 'ProcessingOutputConfig.KmsKeyId', difference: OUTPUT_KEY },

  { member: 'ProcessingResources', honoured: '' },
  { member: 'ProcessingResources.ClusterConfig', honoured: '' },
  {
    member: 'ProcessingResources.ClusterConfig.InstanceCount',
    honoured: "a container an instance; all of them share this machine's CPU and memory",
  },
  {
    member: 'ProcessingResources.ClusterConfig.InstanceType',
    honoured: `picks the image's platform (arm64 for Graviton). ${MACHINE}`,
    difference: ACCELERATED_DIFFERENCE,
  },
  {
    member: 'ProcessingResources.ClusterConfig.VolumeSizeInGB',
    honoured: 'not a limit: the job has the disk of this machine',
  },
  { member: 'ProcessingResources.ClusterConfig.VolumeKmsKeyId', difference: VOLUME_KEY },

  { member: 'StoppingCondition', honoured: '' },
  { member: 'StoppingCondition.MaxRuntimeInSeconds', honoured: 'to the second; the job ends as Stopped' },

  { member: 'NetworkConfig', honoured: '' },
  {
    member: 'NetworkConfig.EnableNetworkIsolation',
    honoured: 'no way out, nor to this machine, and no keys; hosts of one job reach each other',
  },
  {
    member: 'NetworkConfig.EnableInterContainerTrafficEncryption',
    honoured: 'no effect with one host, as on SageMaker',
    difference: { when: TRUE_WITH_PEERS, ...TRAFFIC },
  },
  { member: 'NetworkConfig.VpcConfig.**', difference: VPC },
  { member: 'Tags.**', difference: TAGS },
  { member: 'ExperimentConfig.**', difference: EXPERIMENT },
];
