/**
 * The rules between the members of CreateProcessingJobRequest (contract §2.6, §2.7, §4.3). Where AWS's text is not known,
 * these follow the form of those that are: `Invalid <member>. <what must hold>`.
 */
import { OptmlError } from '../errors.js';
import { datasetComplaints, outputMember } from './dataset-input.js';
import type { Findings } from './findings.js';
import { plainPath } from './local-path.js';
import { nulBytes } from './nul-bytes.js';
import type { CheckedProcessingRequest } from './processing-request.js';
import { repeated } from './repeated.js';
import { parseS3Location } from './s3-location.js';
import { tagRules } from './tag-rules.js';

type Rule = (request: CheckedProcessingRequest) => readonly string[];

const RULES: readonly Rule[] = [
  inputSources,
  datasets,
  outputTargets,
  names,
  requiredFields,
  localPaths,
  compression,
  ({ Tags }) => tagRules(Tags),
  s3Addresses,
  ({ AppSpecification, Environment }) =>
    nulBytes({ member: 'AppSpecification', words: AppSpecification, environment: Environment }),
];

/** Which of the rules a request breaks that has passed the walk over its shapes. */
export function findBrokenProcessingRules(request: CheckedProcessingRequest): Findings {
  return { violations: [], complaints: RULES.flatMap(rule => rule(request)) };
}

function inputSources({ ProcessingInputs: inputs = [] }: CheckedProcessingRequest): readonly string[] {
  return inputs.flatMap(({ AppManaged, S3Input, DatasetDefinition }, index) => {
    const given = [S3Input, DatasetDefinition].filter(source => source !== undefined).length;
    return given === 1 || (given === 0 && AppManaged === true)
      ? []
      : [
          `Invalid ProcessingInputs[${index}]. Exactly one of S3Input and DatasetDefinition must be given, but there are ${given}.`,
        ];
  });
}

function datasets({ ProcessingInputs: inputs = [] }: CheckedProcessingRequest): readonly string[] {
  return inputs.flatMap(({ InputName, AppManaged, DatasetDefinition }, index) =>
    DatasetDefinition === undefined || AppManaged === true
      ? []
      : datasetComplaints(InputName, DatasetDefinition, index),
  );
}

function outputTargets({ ProcessingOutputConfig: config }: CheckedProcessingRequest): readonly string[] {
  return (config?.Outputs ?? []).flatMap(({ AppManaged, S3Output, FeatureStoreOutput }, index) => {
    const where = `Invalid ProcessingOutputConfig.Outputs[${index}]`;
    if (FeatureStoreOutput !== undefined && AppManaged !== true)
      return [`${where}. FeatureStoreOutput can only be given when AppManaged is true.`];
    if (S3Output === undefined && FeatureStoreOutput === undefined && AppManaged !== true)
      return [`${where}. One of S3Output and FeatureStoreOutput must be given.`];
    return [];
  });
}

function names({
  ProcessingInputs: inputs = [],
  ProcessingOutputConfig: config,
}: CheckedProcessingRequest): readonly string[] {
  const outputs = (config?.Outputs ?? []).map(output => output.OutputName);
  return [
    ...repeated(inputs.map(input => input.InputName)).map(
      name => `Invalid ProcessingInputs. Input names must be unique, but '${name}' is given more than once.`,
    ),
    ...repeated(outputs).map(
      name =>
        `Invalid ProcessingOutputConfig. Output names must be unique, but '${name}' is given more than once.`,
    ),
    ...outputs
      .filter(name => !isFolderName(name))
      .map(
        name =>
          `Invalid ProcessingOutputConfig. An output cannot be named '${name}': its folder is /opt/ml/output/data/<OutputName>.`,
      ),
  ];
}

function isFolderName(name: string): boolean {
  // Four bytes a character at most, 255 bytes for a name.
  return name !== '' && name !== '.' && name !== '..' && name.length <= 63 && !/[/\0]/.test(name);
}

/** AWS's sentence; S3DownloadMode is a field of its own inside, which follows from S3InputMode (contract §4.3). */
function requiredFields(request: CheckedProcessingRequest): readonly string[] {
  const missing = (name: string, what: string, fields: readonly string[]): string[] =>
    fields.length === 0
      ? []
      : [
          `${what} ${name} missing one or more required fields for SageMaker-managed S3${what}: ${fields
            .map(field => `"${field}"`)
            .join(', ')}`,
        ];
  const inputs = (request.ProcessingInputs ?? []).flatMap(({ InputName, AppManaged, S3Input }) =>
    S3Input === undefined || AppManaged === true
      ? []
      : missing(InputName, 'Input', [
          ...(isGiven(S3Input.LocalPath) ? [] : ['LocalPath']),
          ...(S3Input.S3InputMode === undefined ? ['S3DownloadMode', 'S3InputMode'] : []),
        ]),
  );
  const outputs = (request.ProcessingOutputConfig?.Outputs ?? []).flatMap(
    ({ OutputName, AppManaged, S3Output }) =>
      S3Output === undefined || AppManaged === true || isGiven(S3Output.LocalPath)
        ? []
        : missing(OutputName, 'Output', ['LocalPath']),
  );
  return [...inputs, ...outputs];
}

interface PlacedMember {
  readonly member: string;
  readonly path: string;
}

/** AWS answers a LocalPath that two inputs have with an empty message (contract §2.6): a sentence of ours stands in its place. */
function localPaths(request: CheckedProcessingRequest): readonly string[] {
  const inputs = (request.ProcessingInputs ?? []).flatMap(
    ({ AppManaged, S3Input, DatasetDefinition }, index) => [
      ...placed(`ProcessingInputs[${index}].S3Input.LocalPath`, AppManaged, S3Input?.LocalPath),
      ...placed(
        `ProcessingInputs[${index}].DatasetDefinition.LocalPath`,
        AppManaged,
        DatasetDefinition?.LocalPath,
      ),
    ],
  );
  const outputs = (request.ProcessingOutputConfig?.Outputs ?? []).flatMap(({ AppManaged, S3Output }, index) =>
    placed(`ProcessingOutputConfig.Outputs[${index}].S3Output.LocalPath`, AppManaged, S3Output?.LocalPath),
  );
  return [...[...inputs, ...outputs].flatMap(misplaced), ...twice(inputs), ...twice(outputs)];
}

function placed(
  member: string,
  appManaged: boolean | undefined,
  path: string | undefined,
): readonly PlacedMember[] {
  return appManaged === true || path === undefined || path === '' ? [] : [{ member, path }];
}

function misplaced({ member, path }: PlacedMember): readonly string[] {
  const fits =
    path.startsWith('/opt/ml/processing/') && !path.split('/').includes('..') && !path.includes('\0');
  return fits
    ? []
    : [`Invalid ${member}. It must be a path below /opt/ml/processing/ without .., but it is '${path}'.`];
}

function twice(members: readonly PlacedMember[]): readonly string[] {
  return members.flatMap(({ member, path }, index) => {
    const first = members.slice(0, index).find(other => plainPath(other.path) === plainPath(path));
    return first === undefined
      ? []
      : [`Invalid ${member}. '${path}' is the LocalPath of ${first.member} already: each needs its own.`];
  });
}

function compression({ ProcessingInputs: inputs = [] }: CheckedProcessingRequest): readonly string[] {
  return inputs.flatMap(({ S3Input }, index) =>
    S3Input?.S3CompressionType === 'Gzip' && S3Input.S3InputMode === 'File'
      ? [
          `Invalid ProcessingInputs[${index}]. S3CompressionType Gzip is for Pipe mode only, but S3InputMode is File.`,
        ]
      : [],
  );
}

function s3Addresses(request: CheckedProcessingRequest): readonly string[] {
  const addresses = [
    ...(request.ProcessingInputs ?? []).map(({ S3Input }, index) => ({
      member: `ProcessingInputs[${index}].S3Input.S3Uri`,
      uri: S3Input?.S3Uri,
    })),
    ...(request.ProcessingInputs ?? []).flatMap(({ DatasetDefinition: one = {} }, index) =>
      [one.AthenaDatasetDefinition, one.RedshiftDatasetDefinition].map(query => ({
        member: outputMember(one, index),
        uri: query?.OutputS3Uri,
      })),
    ),
    ...(request.ProcessingOutputConfig?.Outputs ?? []).map(({ S3Output }, index) => ({
      member: `ProcessingOutputConfig.Outputs[${index}].S3Output.S3Uri`,
      uri: S3Output?.S3Uri,
    })),
  ];
  return addresses.flatMap(({ member, uri }) => {
    if (uri === undefined) return [];
    try {
      parseS3Location(uri, member);
      return [];
    } catch (thrown) {
      if (thrown instanceof OptmlError) return [thrown.message];
      throw thrown;
    }
  });
}

function isGiven(text: string | undefined): boolean {
  return text !== undefined && text !== '';
}
