/**
 * The composition root: settings, engine, store and clock become one method for each operation. Faces call these methods
 * and nothing below them.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultCredentials } from './aws/credentials.js';
import type { Endpoint } from './engine/docker/endpoint.js';
import type { Engine } from './engine/port.js';
import { examine, type Finding } from './doctor.js';
import { OptmlError } from './errors.js';
import { parseTrainingJob, type TrainingJob, type TrainingRequest } from './job/training-job.js';
import { askToStop, listenForStop } from './journal/control-socket.js';
import { draftFiles, homeAt, jobFiles, openHome, type Home, type JobFiles } from './journal/home.js';
import { acquireLock, lockState, type LockState } from './journal/job-lock.js';
import { openJournal, readJob, readJobs } from './journal/journal.js';
import { nextChange, readLogs } from './journal/log-reader.js';
import type { LogLine } from './report/events.js';
import { formatOwner, thisProcess, type Owner } from './journal/owner.js';
import { formatS3Uri } from './job/s3-location.js';
import { planTrainingJob, type Plan } from './plan/plan.js';
import { printPlan, type PrintedPlan } from './plan/printed-plan.js';
import { describeTrainingJob, type DescribeTrainingJobResponse } from './report/describe.js';
import { hasEnded, type JobState } from './report/job-state.js';
import { RunControl } from './run/control.js';
import { startReport, type Observer } from './run/reporter.js';
import { runJob } from './run/run-job.js';
import { abandonedRuns, closeRun, listLeftovers, removeLeftover, type Sweep } from './run/sweep.js';
import type { Settings } from './settings.js';
import { parseMapping } from './store/mapping.js';
import { openStore } from './store/open-store.js';
import type { Store } from './store/port.js';
import { readListing, type Listing } from './survey/listing.js';
import { survey } from './survey/survey.js';

export interface EmulatorParts {
  readonly settings: Settings;
  /** What is read of the environment: docker's variables and AWS's. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now?: () => number;
}

export interface RunOptions {
  readonly control?: RunControl;
  readonly observer?: Observer;
}

export interface CleanReport {
  /** `a container`, `a volume`, `a job` … with its name. */
  readonly what: string;
  readonly name: string;
  readonly job: string;
  /** `removed`, `closed`, `would be …`, or why it stays. */
  readonly done: string;
  /** Only force removes it. */
  readonly stays: boolean;
}

const NEVER = new AbortController().signal;

/** Watches and says nothing. */
const SILENT: Observer = { event: () => undefined, progress: () => undefined };

export class Emulator {
  readonly settings: Settings;
  readonly #environment: EmulatorParts['environment'];
  readonly #now: () => number;
  #engine: Promise<Engine> | undefined;

  constructor({ settings, environment, now = Date.now }: EmulatorParts) {
    this.settings = settings;
    this.#environment = environment;
    this.#now = now;
  }

  /**
   * Runs a CreateTrainingJob request to its end. The response is that of DescribeTrainingJob, whatever became of the job.
   * Throws when the request is refused, or engine or store cannot be used: then there is no job.
   */
  async runTrainingJob(request: TrainingRequest, options: RunOptions = {}): Promise<DescribeTrainingJobResponse> {
    const { control = new RunControl(), observer = SILENT } = options;
    const job = this.#parse(request);
    const home = await openHome(this.settings.home);
    const owner = thisProcess(home.folder);
    const store = await this.#openStore(home);
    try {
      const engine = await this.#openEngine();
      // Nothing is begun before the engine has answered.
      await engine.probe(control.stopping);
      await this.#sweep(home, engine, observer);
      return await this.#own({ job, home, owner, store, engine, control, observer });
    } finally {
      await store.close();
    }
  }

  /** What would happen. Reads the store, touches no engine. Throws what makes a run refuse the request. */
  async planTrainingJob(request: TrainingRequest, { signal = NEVER }: { signal?: AbortSignal } = {}): Promise<PrintedPlan> {
    const job = this.#parse(request);
    const home = await openHome(this.settings.home);
    const store = await this.#openStore(home);
    const folder = join(home.run, `plan-${randomBytes(4).toString('hex')}`);
    await mkdir(folder);
    try {
      const { listings } = await survey({ job, store, folder }, signal);
      const objects = new Map<string, { key: string; size: number }[]>();
      for (const listing of listings) objects.set(listing.channel, await all(readListing(listing)));
      return printPlan(planTrainingJob(job), channel => objects.get(channel) ?? []);
    } finally {
      await rm(folder, { recursive: true, force: true });
      await store.close();
    }
  }

  /** Throws JOB_NOT_FOUND. */
  async describeTrainingJob(name: string): Promise<DescribeTrainingJobResponse> {
    return describeTrainingJob(await this.#state(name));
  }

  /** Newest first. */
  async listTrainingJobs(): Promise<JobState[]> {
    const states = await readJobs(homeAt(this.settings.home));
    return states.sort((a, b) => b.created.time - a.created.time);
  }

  /**
   * StopTrainingJob: tells the job's owner, and does not wait for the end. Throws JOB_NOT_FOUND, JOB_ENDED.
   */
  async stopTrainingJob(name: string): Promise<void> {
    const home = homeAt(this.settings.home);
    const state = await this.#state(name);
    if (hasEnded(state))
      throw new OptmlError('JOB_ENDED', `The request was rejected because the training job is in status ${state.status}.`);
    const { id } = jobFiles(home, 'training', name);
    if (await askToStop(home.run, id)) return;
    // The owner may have ended it in this moment, or died.
    if (hasEnded(await this.#state(name))) return;
    const lock = await lockState(home.run, id, home.folder);
    if (lock.kind === 'stale' || lock.kind === 'free') throw ownerGone(name);
    throw new OptmlError('JOB_ENDED', `The process that runs "${name}" does not answer (process ${lock.owner?.pid ?? 'unknown'}): try again, or end that process.`);
  }

  /** What a job printed; with `follow`, until it has ended or its process is gone. Throws JOB_NOT_FOUND. */
  async *logs(name: string, { follow }: { readonly follow: boolean }): AsyncGenerator<LogLine> {
    await this.#state(name);
    const files = jobFiles(homeAt(this.settings.home), 'training', name);
    yield* readLogs(files.logs, { follow, ended: () => this.#isOver(name, files) });
  }

  /** Waits for the end of a job that another process runs. Throws JOB_NOT_FOUND, and JOB_ENDED when that process has died. */
  async untilEnded(name: string): Promise<JobState> {
    const files = jobFiles(homeAt(this.settings.home), 'training', name);
    while (!(await this.#isOver(name, files))) await nextChange(files.folder);
    const state = await this.#state(name);
    if (!hasEnded(state)) throw ownerGone(name);
    return state;
  }

  /** It has ended, or nobody is there who could end it. */
  async #isOver(name: string, files: JobFiles): Promise<boolean> {
    const home = homeAt(this.settings.home);
    const { kind } = await lockState(home.run, files.id, home.folder);
    return kind === 'stale' || kind === 'free' || hasEnded(await this.#state(name));
  }

  /** Ends, collects and closes what dead processes left; other leftovers are removed, unknown ones only by force. */
  async clean({ dryRun, force, observer = SILENT }: { dryRun: boolean; force: boolean; observer?: Observer }): Promise<CleanReport[]> {
    const home = await openHome(this.settings.home);
    const engine = await this.#openEngine();
    const sweep = this.#sweepParts(home, engine, observer);
    const report: CleanReport[] = [];
    for (const run of await abandonedRuns(sweep)) {
      const job = run.files.id.replace(/^training-/, '');
      const line = { what: 'job', name: job, job, stays: false };
      if (run.owner === 'unknown' && !force) report.push({ ...line, done: staysAs(OWNER_UNKNOWN), stays: true });
      else if (dryRun) report.push({ ...line, done: 'would be closed' });
      else report.push({ ...line, done: (await closeRun(sweep, run)) ? 'closed' : 'is being closed by another process' });
    }
    const unsaved = (await readJobs(home)).filter(state => state.unsaved.length > 0).map(state => state.created.run);
    for (const { leftover, owner } of await listLeftovers(sweep)) {
      if (owner === 'alive') continue;
      const { job, run } = leftover.labels;
      const line = { what: leftover.kind, name: leftover.id.slice(0, 60), job, stays: false };
      const spared = unsaved.includes(run) ? 'it holds outputs that are nowhere else' : owner === 'unknown' ? OWNER_UNKNOWN : null;
      if (spared !== null && !force) report.push({ ...line, done: staysAs(spared), stays: true });
      else if (dryRun) report.push({ ...line, done: 'would be removed' });
      else report.push({ ...line, done: (await removeLeftover(leftover)) ?? 'removed' });
    }
    if (this.settings.store === 'embedded' && !dryRun) {
      const { sweepTemporary } = await import('./store/embedded/temporary.js');
      for (const path of await sweepTemporary(home.s3, this.#now())) report.push({ what: 'file', name: path, job: '', done: 'removed', stays: false });
    }
    return report;
  }

  /** What is wrong with engine, store and disk, and how to mend it. */
  async examine(): Promise<Finding[]> {
    const home = homeAt(this.settings.home);
    return examine({
      homeFolder: home.folder,
      openHome: () => openHome(home.folder),
      openEngine: () => this.#openEngine(),
      openStore: () => this.#openStore(home),
      countLeftovers: async () => (await this.clean({ dryRun: true, force: false })).filter(one => !one.stays).length,
    });
  }

  #parse(request: TrainingRequest): TrainingJob {
    const { region, account, strict } = this.settings;
    const job = parseTrainingJob(request, { region, account });
    if (!strict || job.differences.length === 0) return job;
    const list = job.differences.map(one => `${one.member}: ${one.here} (${one.why})`).join('; ');
    throw new OptmlError('REQUEST_REFUSED', `--strict refuses this request for what would be different from SageMaker: ${list}`);
  }

  async #state(name: string): Promise<JobState> {
    const state = /^[A-Za-z0-9-]{1,63}$/.test(name) ? await readJob(jobFiles(homeAt(this.settings.home), 'training', name)) : undefined;
    if (state === undefined) throw new OptmlError('JOB_NOT_FOUND', `Requested resource not found. (No job "${name}" in ${this.settings.home}.)`);
    return state;
  }

  /** Takes the name, surveys, accepts, and runs. */
  async #own(parts: {
    readonly job: TrainingJob;
    readonly home: Home;
    readonly owner: Owner;
    readonly store: Store;
    readonly engine: Engine;
    readonly control: RunControl;
    readonly observer: Observer;
  }): Promise<DescribeTrainingJobResponse> {
    const { job, home, owner, control, store } = parts;
    const files = jobFiles(home, 'training', job.name);
    const lock = await acquireLock(home.run, files.id, { owner });
    if (lock === null) throw nameInUse(job, await lockState(home.run, files.id, home.folder));
    const draft = draftFiles(files);
    try {
      await rm(draft.folder, { recursive: true, force: true });
      await mkdir(draft.work, { recursive: true, mode: 0o700 });
      const plan = planTrainingJob(job);
      const { listings } = await survey({ job, store, folder: draft.work }, control.stopping);
      for (const { to } of plan.uploads) await store.prepareOutput(to, control.stopping);
      await writeFile(draft.plan, JSON.stringify({ plan }), { mode: 0o600 });
      const replaced = await replaceJob(files);
      return await this.#accepted({ ...parts, files, plan, listings: moved(listings, draft, files), replaced });
    } finally {
      await rm(draft.folder, { recursive: true, force: true });
      await lock.release();
    }
  }

  async #accepted(parts: {
    readonly job: TrainingJob;
    readonly home: Home;
    readonly owner: Owner;
    readonly store: Store;
    readonly engine: Engine;
    readonly control: RunControl;
    readonly observer: Observer;
    readonly files: JobFiles;
    readonly plan: Plan;
    readonly listings: readonly Listing[];
    readonly replaced: JobState | undefined;
  }): Promise<DescribeTrainingJobResponse> {
    const { job, home, owner, store, engine, control, observer, files, plan, listings, replaced } = parts;
    const run = `${job.name}-${randomBytes(3).toString('hex')}`;
    const journal = await openJournal(files);
    const socket = await listenForStop(home.run, files.id, () => control.stop('user'));
    try {
      const reporter = startReport({
        created: {
          kind: 'job.created',
          time: this.#now(),
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
        now: this.#now,
      });
      if (replaced !== undefined)
        reporter.say({ kind: 'note', text: `This run replaces the job of the same name that ended as ${replaced.status}.` });
      const state = await runJob({
        plan,
        listings,
        metricDefinitions: job.metricDefinitions,
        store,
        engine,
        control,
        reporter,
        files,
        keepFolder: join(home.kept, run),
        labels: { job: job.name, run, owner: formatOwner(owner) },
        keepRoom: this.settings.keep,
      });
      return describeTrainingJob(state);
    } finally {
      await socket.close();
      journal.close();
    }
  }

  async #openStore(home: Home): Promise<Store> {
    const { store, maps, region, workingFolder } = this.settings;
    const mappings = maps.map(text => parseMapping(text, workingFolder));
    if (store === 'embedded') return openStore({ kind: 'embedded', folder: home.s3 }, mappings);
    const bundle = this.#environment['AWS_CA_BUNDLE'];
    const access = {
      region,
      credentials: defaultCredentials({ region }),
      ...(bundle === undefined || bundle === '' ? {} : { ca: readBundle(bundle) }),
    };
    return openStore(store === 'aws' ? { kind: 'aws', ...access } : { kind: 'url', url: store, ...access }, mappings);
  }

  async #openEngine(): Promise<Engine> {
    return (this.#engine ??= connectEngine(this.settings, this.#environment));
  }

  async #sweep(home: Home, engine: Engine, observer: Observer): Promise<void> {
    const sweep = this.#sweepParts(home, engine, observer);
    for (const run of await abandonedRuns(sweep)) if (run.owner === 'dead') await closeRun(sweep, run);
  }

  #sweepParts(home: Home, engine: Engine, observer: Observer): Sweep {
    return {
      home,
      owner: thisProcess(home.folder),
      engine,
      openStore: () => this.#openStore(home),
      observer,
      now: this.#now,
    };
  }
}

export function createEmulator(parts: EmulatorParts): Emulator {
  return new Emulator(parts);
}

/** The client of the engine loads while nothing else is to do, and only where an engine is needed. */
async function connectEngine(settings: Settings, environment: EmulatorParts['environment']): Promise<Engine> {
  const [{ dockerEngine }, { findEndpoint, configFolder }, { credentialsFor }] = await Promise.all([
    import('./engine/docker/docker-engine.js'),
    import('./engine/docker/endpoint.js'),
    import('./engine/docker/registry-credentials.js'),
  ]);
  const docker = { ...environment, dockerHost: settings.dockerHost };
  const endpoint: Endpoint = findEndpoint(docker);
  return dockerEngine({
    endpoint,
    mappedImages: settings.mapImages,
    credentials: async registry => {
      const own = await credentialsFor(registry, configFolder(docker));
      return own ?? ecrCredentials(registry, settings.region);
    },
    ownsRootFiles: process.getuid?.() === 0,
  });
}

/** A registry of ECR without stored credentials is logged in to through the AWS chain. */
async function ecrCredentials(
  registry: string,
  region: string,
): Promise<{ username: string; password: string; serveraddress: string } | undefined> {
  const { loginToEcr, parseEcrHost } = await import('./aws/ecr-login.js');
  if (parseEcrHost(registry) === null) return undefined;
  const login = await loginToEcr({
    host: registry,
    credentials: defaultCredentials({ region }),
    signal: AbortSignal.timeout(20_000),
  });
  return { ...login, serveraddress: registry };
}

function nameInUse({ name, arn }: TrainingJob, lock: LockState): OptmlError {
  const way =
    lock.kind === 'unknown'
      ? `Its process, ${lock.owner?.pid ?? 'unknown'} of "${lock.owner?.machine ?? 'unknown'}", cannot be looked at from here: if it is dead, "optml clean --force" closes the job; else choose another name.`
      : `It is running: wait for it, stop it with "optml stop ${name}", or choose another name.`;
  return new OptmlError(
    'JOB_NAME_IN_USE',
    `Training job names must be unique within an AWS account and region, and a training job with this name already exists (${arn}). (${way})`,
  );
}

const OWNER_UNKNOWN = 'its owner is not known here';

function staysAs(why: string): string {
  return `stays, as ${why} (--force removes it)`;
}

function ownerGone(name: string): OptmlError {
  return new OptmlError('JOB_ENDED', `The process that ran "${name}" is gone: "optml clean" ends the job and collects what it left.`);
}

/** The ended job of the same name, whose place the new one takes. */
async function replaceJob(files: JobFiles): Promise<JobState | undefined> {
  const before = await readJob(files);
  await rm(files.folder, { recursive: true, force: true });
  await rename(files.draft, files.folder);
  return before;
}

function moved(listings: readonly Listing[], from: JobFiles, to: JobFiles): Listing[] {
  return listings.map(listing => ({ ...listing, file: to.work + listing.file.slice(from.work.length) }));
}

function modelArtifacts(plan: Plan): string {
  const model = plan.uploads.find(upload => upload.from === '/opt/ml/model');
  return model === undefined ? '' : formatS3Uri(model.to);
}

function readBundle(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new OptmlError('USAGE', `AWS_CA_BUNDLE names "${path}", which cannot be read: expected a file of PEM certificates.`);
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
