/**
 * The folder of intermediate results, for frameworks that ask for it by the hyperparameter `sagemaker_s3_output` (contract
 * §1.8). AWS's training toolkit makes the folder and copies its files itself, unless it is there at the start; other programs
 * have no need of the toolkit here. Pure.
 */
import { parseS3Location, type S3Location } from '../job/s3-location.js';

export const INTERMEDIATE = '/opt/ml/output/intermediate';

/** The toolkit's own copies of what it is about to send. */
export const TOOLKIT_COPIES = '.tmp.sagemaker_s3_sync';

const HYPERPARAMETER = 'sagemaker_s3_output';

/** Null when nobody asks for it, or for something that is not in S3. SDKs write hyperparameters as JSON. */
export function intermediateLocation(hyperparameters: Readonly<Record<string, string>>): S3Location | null {
  const uri = hyperparameters[HYPERPARAMETER]?.replace(/^"(.*)"$/, '$1');
  if (uri === undefined || !uri.startsWith('s3://')) return null;
  try {
    return parseS3Location(uri, HYPERPARAMETER);
  } catch {
    return null;
  }
}
