/** From a checked job to a running one: its name is taken, the store is looked at, and only then there is a job. */
import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engine/port.js';
import { OptmlError } from '../errors.js';
import { formatS3Uri } from '../job/s3-location.js';
import type { Job } from '../job/job.js';
import { listenForStop } from '../journal/control-socket.js';
import { draftFiles, jobFiles, type Home, type JobFiles } from '../journal/home.js';
import { acquireLock, lockState, type LockState } from '../journal/job-lock.js';
import { openJournal, readJob } from '../journal/journal.js';
import { formatOwner, type Owner } from '../journal/owner.js';
import { makeFolder } from '../make-folder.js';
import { planJob, type Plan } from '../plan/plan.js';
import type { JobState } from '../report/job-state.js';
import { KIND_WORDS } from '../report/kind-words.js';
import type { Store } from '../store/port.js';
import type { FileSystemMap } from '../survey/file-systems.js';
import { survey, type Survey } from '../survey/survey.js';
import type { RunControl } from './control.js';
import { startReport, type Observer } from './reporter.js';
import { runJob, type JobRun } from './run-job.js';

export interface JobToAccept {
  readonly job: Job;
  readonly home: Home;
  readonly owner: Owner;
  readonly store: Store;
  readonly engine: Engine;
  readonly control: RunControl;
  readonly observer: Observer;
  readonly now: () => number;
  /** Gives containers a way to the store, at an address that they reach; null where they get none. */
  readonly openAccess: JobRun['openAccess'];
  readonly startFeeder: JobRun['startFeeder'];
  readonly fileSystems: readonly FileSystemMap[];
  readonly lazy: JobRun['lazy'];
  readonly interruptAfter: JobRun['interruptAfter'];
  readonly emulateInstance: boolean;
  /** The engine can hand NVIDIA GPUs to containers. */
  readonly hasGpus: boolean;
  /** Rooms are folders of this machine; else volumes of the engine. */
  readonly bindsRooms: boolean;
  /** `--keep` */
  readonly keepRoom: boolean;
}

/**
 * Runs the job to its end. Throws JOB_NAME_IN_USE, and what survey and store throw: then there is no job, and an ended one of
 * the same name is as it was.
 */
export async function acceptJob(request: JobToAccept): Promise<JobState> {
  const { job, home, owner, control, store, openAccess, emulateInstance, hasGpus, bindsRooms } = request;
  const files = jobFiles(home, job.kind, job.name);
  const lock = await acquireLock(home.run, files.id, { owner });
  if (lock === null) throw nameInUse(job, await lockState(home.run, files.id, home.folder));
  const draft = draftFiles(files);
  let ended = true;
  try {
    const replaced = await readJob(files);
    if (replaced !== undefined && replaced.unsaved.length > 0) throw holdsOutputs(job);
    await rm(draft.folder, { recursive: true, force: true });
    await makeFolder(draft.work, 0o700);
    const plan = planJob(job, { storeAccess: openAccess !== null, emulateInstance, hasGpus, bindsRooms });
    const { fileSystems } = request;
    const surveyed = await survey({ job, store, fileSystems, folder: draft.work }, control.stopping);
    for (const { to } of plan.uploads) await store.prepareOutput(to, control.stopping);
    await writeFile(draft.plan, JSON.stringify({ plan }), { mode: 0o600 });
    await rm(files.folder, { recursive: true, force: true });
    await rename(draft.folder, files.folder);
    const { state, journaled } = await runAccepted(request, {
      files,
      plan,
      survey: moved(surveyed, draft, files),
      replaced,
    });
    ended = journaled;
    return state;
  } finally {
    await rm(draft.folder, { recursive: true, force: true });
    // A job whose end a full disk did not take in would run for ever: under a dead lock, it is closed when there is room.
    if (ended) await lock.release();
  }
}

async function runAccepted(
  {
    job,
    home,
    owner,
    store,
    engine,
    control,
    observer,
    now,
    openAccess,
    startFeeder,
    lazy,
    interruptAfter,
    keepRoom,
  }: JobToAccept,
  accepted: {
    readonly files: JobFiles;
    readonly plan: Plan;
    readonly survey: Survey;
    /** The ended job whose place this one takes. */
    readonly replaced: JobState | undefined;
  },
): Promise<{ readonly state: JobState; readonly journaled: boolean }> {
  const { files, plan, survey: found, replaced } = accepted;
  const run = `${job.name}-${randomBytes(3).toString('hex')}`;
  const journal = await openJournal(files);
  const socket = await listenForStop(home.run, files.id, () => control.stop('user'));
  try {
    const reporter = startReport({
      created: {
        kind: 'job.created',
        jobKind: job.kind,
        time: now(),
        run,
        name: job.name,
        arn: job.arn,
        request: job.request,
        store: store.name,
        modelArtifacts: modelArtifacts(plan),
        differences: plan.differences,
      },
      journal,
      observer,
      now,
    });
    if (replaced !== undefined)
      reporter.say({
        kind: 'note',
        text: `This run replaces the job of the same name that ended as ${replaced.status}.`,
      });
    const state = await runJob({
      plan,
      survey: found,
      metricDefinitions: job.metricDefinitions,
      store,
      engine,
      control,
      reporter,
      files,
      keepFolder: join(home.kept, run),
      labels: { job: job.name, run, owner: formatOwner(owner) },
      openAccess,
      startFeeder,
      lazy,
      interruptAfter,
      keepRoom,
    });
    return { state, journaled: journal.isWhole };
  } finally {
    await socket.close();
    journal.close();
  }
}

/** AWS's sentence (contract §4.3), and the way out. */
function nameInUse({ kind, name, arn }: Job, lock: LockState): OptmlError {
  const way =
    lock.kind === 'unknown'
      ? `Its process, ${lock.owner?.pid ?? 'unknown'} of "${lock.owner?.machine ?? 'unknown'}", cannot be looked at from here: if it is dead, "optml clean --force" closes the job; else choose another name.`
      : `It is running: wait for it, stop it with "optml stop ${name}", or choose another name.`;
  return new OptmlError('JOB_NAME_IN_USE', `${KIND_WORDS[kind].inUse(arn)} (${way})`);
}

function holdsOutputs({ name }: Job): OptmlError {
  return new OptmlError(
    'JOB_NAME_IN_USE',
    `The last run of "${name}" left outputs that are nowhere else, and a new one would take their place: "optml clean" keeps them, then run it again, or choose another name.`,
  );
}

function moved(found: Survey, from: JobFiles, to: JobFiles): Survey {
  const listings = found.listings.map(listing => ({
    ...listing,
    file: to.work + listing.file.slice(from.work.length),
  }));
  return { ...found, listings };
}

function modelArtifacts(plan: Plan): string {
  const model = plan.uploads.find(upload => upload.from === '/opt/ml/model');
  return model === undefined ? '' : formatS3Uri(model.to);
}
