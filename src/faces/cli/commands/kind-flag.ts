/** `--kind`, where it must be a kind of job that optml runs. */
import { OptmlError } from '../../../errors.js';
import { JOB_KINDS, type JobKind } from '../../../job/job-request.js';

/** Undefined when the flag was not given. Of the kinds that are not built there is no job of any name: JOB_NOT_FOUND. */
export function kindFlag(name: string, kind: string | undefined): JobKind | undefined {
  const known = JOB_KINDS.find(one => one === kind);
  if (kind !== undefined && known === undefined)
    throw new OptmlError(
      'JOB_NOT_FOUND',
      `There is no ${kind} job "${name}": this version runs ${JOB_KINDS.join(' and ')} jobs.`,
    );
  return known;
}
