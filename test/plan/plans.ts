/** Plans of requests, with no store and no engine. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTrainingJob } from '../../src/job/training-job.js';
import { planTrainingJob, type HostPlan, type Plan } from '../../src/plan/plan.js';
import { printPlan, type PrintedPlan } from '../../src/plan/printed-plan.js';
import { channel, SETTINGS, validRequest } from '../job/requests.js';

export { channel };

type Members = Record<string, unknown>;

export function planOf(changes: Members): Plan {
  return planTrainingJob(parseTrainingJob(validRequest(changes), SETTINGS), { storeAccess: true });
}

export function hostOf(changes: Members): HostPlan {
  const [host] = planOf(changes).hosts;
  if (host === undefined) throw new Error('a plan has a host');
  return host;
}

/** The text of a file of `/opt/ml/input/config`. */
export function configFile(changes: Members, name: string): string | undefined {
  return hostOf(changes).files[`/opt/ml/input/config/${name}`];
}

/** `listings`: of each channel, what the store showed in the bucket of its S3Uri. */
export function printedPlan(
  changes: Members,
  listings: Record<string, readonly { readonly key: string; readonly size: number | null }[]>,
): PrintedPlan {
  const plan = planOf(changes);
  const bucketOf = (name: string): string =>
    plan.hosts[0]?.channels.find(one => one.name === name)?.location.bucket ?? '';
  return printPlan(plan, name =>
    (listings[name] ?? []).map((object, position) => ({ ...object, bucket: bucketOf(name), position })),
  );
}

/** A file of a real job. */
export function capture(name: string): string {
  return readFileSync(join(import.meta.dirname, '../captures', name), 'utf8');
}
