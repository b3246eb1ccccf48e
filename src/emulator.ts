/**
 * The composition root: settings, engine, store and clock become one method for each operation. Faces call these methods
 * and nothing below them.
 */
import {
  accessOf,
  connectEngine,
  connectStore,
  datasetMaps,
  fileSystemMaps,
  ownsRootFiles,
  storeChoice,
  type Environment,
} from './connect.js';
import { cleanStore } from './clean-store.js';
import { clientEnvironment } from './client-environment.js';
import { examine, type Finding } from './doctor.js';
import { feederOf } from './feeder.js';
import { openEndpoint, type RunningEndpoint } from './endpoint.js';
import type { Engine } from './engine/port.js';
import { OptmlError } from './errors.js';
import { lazyFastFile } from './channels/lazy-fastfile.js';
import type { Difference } from './job/differences.js';
import { refuseUnknownInstances } from './job/instances.js';
import { parseJob, type Job, type KindedRequest } from './job/job.js';
import type { JobRequest } from './job/job-request.js';
import type { TrainingRequest } from './job/training-job.js';
import { findJob, readState, type JobRef } from './journal/find-job.js';
import { logsOf, stopJob, untilEnded } from './journal/follow-job.js';
import { homeAt, openHome, type Home, type Kind } from './journal/home.js';
import { homeAuthority } from './journal/home-authority.js';
import { readJobs } from './journal/journal.js';
import { thisProcess } from './journal/owner.js';
import { machineDifferences } from './plan/machine-differences.js';
import { sharedFifosDifference } from './plan/shared-fifos.js';
import type { PrintedPlan } from './plan/printed-plan.js';
import { describeTrainingJob, type DescribeTrainingJobResponse } from './report/describe.js';
import { describeJob, type DescribeResponse } from './report/describe-job.js';
import { describeProcessingJob, type DescribeProcessingJobResponse } from './report/describe-processing.js';
import type { LogLine } from './report/events.js';
import type { JobState } from './report/job-state.js';
import { acceptJob } from './run/accept-job.js';
import { cleanHome, type CleanReport } from './run/clean.js';
import { RunControl } from './run/control.js';
import { assertOnSpot } from './run/interruption.js';
import type { Observer } from './run/reporter.js';
import { closeDeadRuns, type Sweep } from './run/sweep.js';
import type { Settings } from './settings.js';
import type { Store } from './store/port.js';
import { surveyedPlan } from './surveyed-plan.js';
import { foldersOfDatasets, type DatasetFolder } from './survey/datasets.js';

export interface EmulatorParts {
  readonly settings: Settings;
  /** What is read of the environment: docker's variables and AWS's. */
  readonly environment: Environment;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

export interface RunOptions {
  readonly control?: RunControl;
  readonly observer?: Observer;
  /** Interrupts a job on spot instances as spot does: seconds from each start of its containers. */
  readonly interruptAfter?: readonly number[];
}

const NEVER = new AbortController().signal;

/** Watches and says nothing. */
const SILENT: Observer = { event: () => undefined, progress: () => undefined };

export function createEmulator(parts: EmulatorParts): Emulator {
  return new Emulator(parts);
}

export class Emulator {
  readonly settings: Settings;
  readonly #environment: Environment;
  readonly #now: () => number;
  #engine: Promise<Engine> | undefined;

  constructor({ settings, environment, now = Date.now }: EmulatorParts) {
    this.settings = settings;
    this.#environment = environment;
    this.#now = now;
  }

  /** Runs a CreateTrainingJob request to its end; as `runJob`. The response is that of DescribeTrainingJob. */
  async runTrainingJob(
    request: TrainingRequest,
    options: RunOptions = {},
  ): Promise<DescribeTrainingJobResponse> {
    return describeTrainingJob(await this.runJob({ kind: 'training', request }, options));
  }

  /** Runs a CreateProcessingJob request to its end; as `runJob`. The response is that of DescribeProcessingJob. */
  async runProcessingJob(
    request: JobRequest,
    options: RunOptions = {},
  ): Promise<DescribeProcessingJobResponse> {
    return describeProcessingJob(await this.runJob({ kind: 'processing', request }, options));
  }

  /**
   * Runs a request of any kind to its end, whatever becomes of the job. Throws when the request is refused, or engine or
   * store cannot be used: then there is no job.
   */
  async runJob(request: KindedRequest, options: RunOptions = {}): Promise<JobState> {
    const { control = new RunControl(), observer = SILENT, interruptAfter = [] } = options;
    const job = this.#parse(request);
    if (interruptAfter.length > 0) assertOnSpot(job);
    const lazy = await lazyFastFile(job, this.settings, this.#environment['PATH'] ?? '');
    const home = await openHome(this.settings.home);
    const store = await this.#openStore(home, foldersOfDatasets(job, datasetMaps(this.settings)));
    try {
      const engine = await this.#openEngine();
      // Nothing is begun before the engine has answered.
      const machine = await engine.probe(control.stopping);
      const { emulateInstance } = this.settings;
      const differences = machineDifferences(job, { emulateInstance, machine });
      this.#refuseStrictly(differences);
      const sweep = this.#sweepParts({ home, engine, observer });
      await closeDeadRuns(sweep);
      const { owner } = sweep;
      const { keep: keepRoom } = this.settings;
      return await acceptJob({
        job: { ...job, differences: [...job.differences, ...differences] },
        emulateInstance,
        hasGpus: machine.hasGpus,
        bindsRooms: machine.bindsRooms,
        home,
        owner,
        store,
        engine,
        control,
        observer,
        now: this.#now,
        openAccess: accessOf(this.settings, {
          environment: this.#environment,
          folder: home.s3,
          authority: () => homeAuthority(home, this.#now()),
        }),
        startFeeder: feederOf({
          settings: this.settings,
          place: { environment: this.#environment, folder: home.s3 },
        }),
        keepRoom,
        lazy,
        interruptAfter,
        fileSystems: fileSystemMaps(this.settings),
      });
    } finally {
      await store.close();
    }
  }

  /** What would happen. Reads the store, touches no engine. Throws what makes a run refuse the request. */
  async planJob(
    request: KindedRequest,
    { signal = NEVER }: { signal?: AbortSignal } = {},
  ): Promise<PrintedPlan> {
    const job = this.#parse(request);
    const bindsRooms = ownsRootFiles();
    const differences = bindsRooms ? [] : sharedFifosDifference(job);
    this.#refuseStrictly(differences);
    const home = await openHome(this.settings.home);
    const store = await this.#openStore(home, foldersOfDatasets(job, datasetMaps(this.settings)));
    try {
      const parts = { settings: this.settings, home, store, bindsRooms };
      return await surveyedPlan({ ...job, differences: [...job.differences, ...differences] }, parts, signal);
    } finally {
      await store.close();
    }
  }

  /** Throws JOB_NOT_FOUND. */
  async describeJob(job: JobRef): Promise<DescribeResponse> {
    return describeJob(await this.#state(job));
  }

  /** The job of this name; `kind` is needed where jobs of several kinds have it. Throws JOB_NOT_FOUND, USAGE. */
  async findJob(name: string, kind?: Kind): Promise<JobRef> {
    return findJob(homeAt(this.settings.home), name, kind);
  }

  /** Of all kinds by default; newest first. */
  async listJobs(kinds?: readonly Kind[]): Promise<JobState[]> {
    const states = await readJobs(homeAt(this.settings.home), kinds);
    return states.sort((a, b) => b.created.time - a.created.time);
  }

  /** Stop*Job: tells the job's owner, and does not wait for the end. Throws JOB_NOT_FOUND, JOB_ENDED. */
  async stopJob(job: JobRef): Promise<void> {
    return stopJob(homeAt(this.settings.home), job);
  }

  /** Waits for the end of a job that another process runs. Throws JOB_NOT_FOUND, and JOB_ENDED when that process has died. */
  async untilEnded(job: JobRef): Promise<JobState> {
    return untilEnded(homeAt(this.settings.home), job);
  }

  /** What a job printed; with `follow`, until it has ended or its process is gone. Throws JOB_NOT_FOUND. */
  logs(job: JobRef, options: { readonly follow: boolean }): AsyncGenerator<LogLine> {
    return logsOf(homeAt(this.settings.home), job, options);
  }

  /** Ends, collects and closes what dead processes left; other leftovers are removed, unknown ones only by force. */
  async clean(options: { dryRun: boolean; force: boolean; observer?: Observer }): Promise<CleanReport[]> {
    const { dryRun, force, observer = SILENT } = options;
    // To look is not to make a home, nor to fail for one that cannot be made.
    const home = dryRun ? homeAt(this.settings.home) : await openHome(this.settings.home);
    const engine = await this.#openEngine();
    // Nothing is begun before the engine has answered.
    await engine.probe(NEVER);
    const report = await cleanHome(this.#sweepParts({ home, engine, observer }), { dryRun, force });
    if (this.settings.store !== 'embedded' || dryRun) return report;
    return [...report, ...(await cleanStore(home.s3, this.#now()))];
  }

  /** `optml up`. Throws USAGE for a port that is taken, and with `--store aws`, which its clients reach themselves. */
  async openEndpoint(): Promise<RunningEndpoint> {
    const { port, region } = this.settings;
    const home = await openHome(this.settings.home);
    const choice = storeChoice(this.settings, { environment: this.#environment, folder: home.s3 });
    if (choice.kind === 'aws')
      throw new OptmlError(
        'USAGE',
        '"optml up" does not stand before Amazon S3: choose --store embedded or the URL of a server.',
      );
    return openEndpoint({ home, choice, port, region });
  }

  /** The variables of `optml env`: what a client of the endpoint needs, and nothing else. */
  async clientEnvironment(): Promise<Record<string, string>> {
    return clientEnvironment(await openHome(this.settings.home), this.settings);
  }

  /** What is wrong with engine, store and disk, and how to mend it. */
  async examine(): Promise<Finding[]> {
    const home = homeAt(this.settings.home);
    return examine({
      homeFolder: home.folder,
      openHome: () => openHome(home.folder),
      openEngine: () => this.#openEngine(),
      openStore: () => this.#openStore(home),
      countLeftovers: async () =>
        (await this.clean({ dryRun: true, force: false })).filter(one => !one.stays).length,
    });
  }

  #parse(request: KindedRequest): Job {
    const { region, account, emulateInstance } = this.settings;
    const job = parseJob(request, { region, account });
    if (emulateInstance) refuseUnknownInstances(job);
    this.#refuseStrictly(job.differences);
    return job;
  }

  #refuseStrictly(differences: readonly Difference[]): void {
    if (!this.settings.strict || differences.length === 0) return;
    const list = differences.map(one => `${one.member}: ${one.here} (${one.why})`).join('; ');
    throw new OptmlError(
      'REQUEST_REFUSED',
      `--strict refuses this request for what would be different from SageMaker: ${list}`,
    );
  }

  async #state(job: JobRef): Promise<JobState> {
    return readState(homeAt(this.settings.home), job);
  }

  #openStore(home: Home, datasets: readonly DatasetFolder[] = []): Promise<Store> {
    return connectStore(this.settings, { environment: this.#environment, folder: home.s3 }, datasets);
  }

  #openEngine(): Promise<Engine> {
    return (this.#engine ??= connectEngine(this.settings, this.#environment));
  }

  #sweepParts({ home, engine, observer }: Pick<Sweep, 'home' | 'engine' | 'observer'>): Sweep {
    const openStore = (): Promise<Store> => this.#openStore(home);
    return { home, owner: thisProcess(home.folder), engine, openStore, observer, now: this.#now };
  }
}
