/** Plans of requests, with no store and no engine. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTrainingJob } from '../../src/job/training-job.js';
import { planTrainingJob, type HostPlan, type Plan } from '../../src/plan/plan.js';
import { printPlan, type ListedObjects, type PrintedPlan } from '../../src/plan/printed-plan.js';
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

export function printedPlan(changes: Members, listings: Record<string, ListedObjects>): PrintedPlan {
  return printPlan(planOf(changes), name => listings[name] ?? []);
}

/** A file of a real job. */
export function capture(name: string): string {
  return readFileSync(join(import.meta.dirname, '../captures', name), 'utf8');
}
