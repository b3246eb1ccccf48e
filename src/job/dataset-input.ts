/** An input that is the result of a query (contract §2.6). No query is run here: a folder of this machine stands for its result. */
import { plainPath } from './local-path.js';
import type { DatasetDefinitionRequest } from './processing-request.js';
import type { ProcessingInput } from './processing-job.js';
import { parseS3Location } from './s3-location.js';

/**
 * A channel below the OutputS3Uri, where the result is exported to: in a folder with the input's name, as two queries may have
 * one OutputS3Uri. Null when the definition names no query.
 */
export function datasetInput(
  name: string,
  definition: DatasetDefinitionRequest,
  index: number,
): ProcessingInput | null {
  const query = definition.AthenaDatasetDefinition ?? definition.RedshiftDatasetDefinition;
  if (query === undefined) return null;
  const location = parseS3Location(query.OutputS3Uri, outputMember(definition, index));
  const folder = location.key.replace(/\/+$/, '');
  return {
    name,
    dataset: true,
    localPath: plainPath(definition.LocalPath ?? ''),
    contentType: null,
    inputMode: definition.InputMode ?? 'File',
    recordWrapper: 'None',
    compression: 'None',
    shuffleSeed: null,
    distribution: definition.DataDistributionType ?? 'FullyReplicated',
    instanceGroups: [],
    dataType: 'S3Prefix',
    location: { ...location, key: `${folder === '' ? '' : `${folder}/`}${encodeURIComponent(name)}/` },
    attributeNames: [],
    fileSystem: null,
  };
}

/** Where the OutputS3Uri of the query stands in the request. */
export function outputMember(definition: DatasetDefinitionRequest, index: number): string {
  const query = definition.AthenaDatasetDefinition === undefined ? 'Redshift' : 'Athena';
  return `ProcessingInputs[${index}].DatasetDefinition.${query}DatasetDefinition.OutputS3Uri`;
}

/** What a definition lacks or has twice: the form follows that of AWS's other sentences. */
export function datasetComplaints(
  name: string,
  definition: DatasetDefinitionRequest,
  index: number,
): readonly string[] {
  const queries = [definition.AthenaDatasetDefinition, definition.RedshiftDatasetDefinition];
  const given = queries.filter(one => one !== undefined).length;
  return [
    ...(given === 1
      ? []
      : [
          `Invalid ProcessingInputs[${index}].DatasetDefinition. Exactly one of AthenaDatasetDefinition and RedshiftDatasetDefinition must be given, but there are ${given}.`,
        ]),
    ...(definition.LocalPath === undefined || definition.LocalPath === ''
      ? [`Invalid ProcessingInputs[${index}].DatasetDefinition. The input '${name}' needs a LocalPath.`]
      : []),
  ];
}
