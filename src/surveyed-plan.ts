/** `optml plan`: the survey and the plan of a run, and no run. */
import { fileSystemMaps } from './connect.js';
import type { Job } from './job/job.js';
import type { Home } from './journal/home.js';
import { thisProcess } from './journal/owner.js';
import { planJob } from './plan/plan.js';
import { printPlan, type ListedObjects, type PrintedPlan } from './plan/printed-plan.js';
import { withPlanFolder } from './run/plan-folder.js';
import type { Settings } from './settings.js';
import type { Store } from './store/port.js';
import { listedObjects } from './survey/listing.js';
import { survey } from './survey/survey.js';

interface Parts {
  readonly settings: Settings;
  readonly home: Home;
  readonly store: Store;
  /** As the engine's facts of that name: it takes folders of this machine for the rooms. */
  readonly bindsRooms: boolean;
}

/** Throws what makes a run refuse the request. */
export async function surveyedPlan(
  job: Job,
  { settings, home, store, bindsRooms }: Parts,
  signal: AbortSignal,
): Promise<PrintedPlan> {
  return withPlanFolder({ home, owner: thisProcess(home.folder) }, async folder => {
    const fileSystems = fileSystemMaps(settings);
    const { listings, fault } = await survey({ job, store, fileSystems, folder }, signal);
    if (fault !== null) throw fault;
    const objects = new Map<string, ListedObjects>();
    for (const listing of listings) objects.set(listing.channel, await all(listedObjects(listing)));
    const { emulateInstance } = settings;
    const storeAccess = settings.store !== 'aws';
    const plan = planJob(job, { storeAccess, emulateInstance, bindsRooms });
    return printPlan(plan, channel => objects.get(channel) ?? []);
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
