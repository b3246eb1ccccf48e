/** Outputs of ended hosts: uploaded as planned, or kept in the home and named. */
import { collect, collectCheckpoints, isEmpty, mergeOutputs } from '../data-plane.js';
import type { HostHandle } from '../engine/port.js';
import { asOptmlError, type OptmlError } from '../errors.js';
import type { HostOutputs, OutputEntry } from '../collect/output-entry.js';
import type { UploadPlan } from '../plan/uploads.js';
import { reasonOfUpload } from '../report/failure-reason.js';
import type { UnfinishedUpload } from '../store/port.js';
import type { UploadRequest, UploadResult } from '../collect/upload-output.js';
import { nothingSent, sentByAll, type SentOutputs } from './continuous-outputs.js';
import { keepOne, outputsFor } from './keep-outputs.js';
import { restoredFiles, stampFor } from './restored-files.js';
import type { JobRun } from './run-job.js';

export type CollectRun = Pick<
  JobRun,
  'plan' | 'store' | 'engine' | 'control' | 'reporter' | 'files' | 'keepFolder'
>;

/** Names in one event; a folder of ten thousand sockets is told by its count. */
const MAX_NAMES = 20;

/** Null when everything that was there was uploaded; else the FailureReason of the first that was not. */
export async function collectOutputs(
  run: CollectRun,
  placed: readonly HostHandle[],
  sent: SentOutputs = nothingSent(),
): Promise<string | null> {
  let reason: string | null = null;
  let lost: OptmlError | null = null;
  for (const upload of run.plan.uploads) {
    // What a run that died had uploaded already is not sent again.
    if (run.reporter.state.uploaded.some(one => one.from === upload.from)) continue;
    let why = UNNAMABLE;
    try {
      run.control.killing.throwIfAborted();
      const { result, isWhole } = await uploadOne(run, upload, { placed, sent });
      if (result !== null) sayUploaded(run, upload, result);
      if (isWhole) continue;
    } catch (thrown) {
      why = run.control.killing.aborted ? 'the job was killed' : asOptmlError(thrown).message;
      reason ??= reasonOfUpload(why);
    }
    for (const handle of placed) lost = (await keepOne(run, { upload, handle, why, lost })) ?? lost;
  }
  return reason;
}

/** What of hosts that will be replaced goes to the store while they run: checkpoints, and the folders of Debugger and TensorBoard. Throws what reading or the store throws. */
export async function flushContinuous(
  run: CollectRun,
  placed: readonly HostHandle[],
  sent: SentOutputs,
): Promise<void> {
  for (const upload of run.plan.uploads)
    if (upload.when === 'continuous') await uploadOne(run, upload, { placed, sent });
}

/** What a placed host left; undefined when the host is not known. */
export function openOutputs(run: CollectRun, host: string): HostOutputs | undefined {
  const handle = run.reporter.state.placed.find(one => one.host === host);
  return handle === undefined ? undefined : outputsFor(run, handle);
}

interface Uploaded {
  readonly result: UploadResult;
  /** False when there is content besides that no object can bear. */
  readonly isWhole: boolean;
}

async function uploadOne(
  run: CollectRun,
  upload: UploadPlan,
  { placed, sent }: { readonly placed: readonly HostHandle[]; readonly sent: SentOutputs },
): Promise<Uploaded> {
  const { store, control, reporter } = run;
  const sources = placed.filter(({ host }) => upload.hosts.includes(host));
  const sum = { bytes: 0, objects: 0 };
  const leftOut: OutputEntry[] = [];
  const progress = (finished: boolean): void =>
    reporter.progress({
      kind: 'transfer',
      direction: 'upload',
      what: upload.from,
      ...sum,
      totalBytes: null,
      totalObjects: null,
      finished,
    });
  const request = {
    upload,
    store,
    signal: control.killing,
    onTransfer(change: { readonly bytes: number; readonly objects: number }) {
      sum.bytes += change.bytes;
      sum.objects += change.objects;
      progress(false);
    },
    onBegun: (begun: UnfinishedUpload) => reporter.say({ kind: 'upload.begun', upload: begun }),
    onLeftOut: (entry: OutputEntry) => void leftOut.push(entry),
  };
  const send = upload.checkpoints === true ? sendCheckpoints : sendMerged;
  const result = await send(run, request, { sources, sent });
  progress(true);
  if (leftOut.length > 0) {
    const names = someOf(leftOut.map(entry => entry.path));
    reporter.say({ kind: 'output.left-out', from: upload.from, names });
  }
  await tellOfOthers(run, upload, placed);
  return { result, isWhole: !leftOut.some(entry => entry.kind === 'unnamable') };
}

type Request = Omit<UploadRequest, 'outputs' | 'sent'>;

interface Sources {
  readonly sources: readonly HostHandle[];
  readonly sent: SentOutputs;
}

/** All hosts' as one. */
async function sendMerged(
  run: CollectRun,
  request: Request,
  { sources, sent }: Sources,
): Promise<UploadResult> {
  const { from } = request.upload;
  const clashes: string[] = [];
  const outputs = mergeOutputs(
    sources.map(handle => ({ host: handle.host, outputs: outputsFor(run, handle) })),
    (host, path) => clashes.push(`${host}: ${JSON.stringify(path)}`),
  );
  const files = sentByAll(sources.map(({ host }) => sent.files(host, from) ?? new Map<string, string>()));
  const result = await collect({ ...request, outputs, sent: files });
  if (clashes.length > 0) {
    const text = `${from}: an earlier host wrote these paths too, and its files stand in the upload: ${someOf(clashes).join(', ')}`;
    run.reporter.say({ kind: 'note', text });
  }
  return result;
}

/** Each host's for itself. */
async function sendCheckpoints(
  run: CollectRun,
  request: Request,
  { sources, sent }: Sources,
): Promise<UploadResult> {
  const folders = await Promise.all(
    sources.map(async handle => ({
      host: handle.host,
      outputs: outputsFor(run, handle),
      held: sent.files(handle.host, request.upload.from) ?? (await restoredFiles(run, handle)),
      stampOf: stampFor(handle),
    })),
  );
  return collectCheckpoints({ ...request, folders, senders: sent.senders });
}

function sayUploaded(
  { store, reporter }: CollectRun,
  { from, to }: UploadPlan,
  result: NonNullable<UploadResult>,
): void {
  const file = store.locate(to);
  reporter.say({ kind: 'output.uploaded', from, ...result, ...(file === null ? {} : { file }) });
}

function someOf(names: readonly string[]): string[] {
  const more = names.length - MAX_NAMES;
  return more > 0 ? [...names.slice(0, MAX_NAMES), `and ${more} more`] : [...names];
}

/** SageMaker takes `output/data` from the first host only, and in silence. */
async function tellOfOthers(
  run: CollectRun,
  { from, hosts }: UploadPlan,
  placed: readonly HostHandle[],
): Promise<void> {
  const losing: string[] = [];
  for (const handle of placed) {
    if (hosts.includes(handle.host)) continue;
    // What cannot be read is not worth the upload that went well.
    if (!(await isEmpty(outputsFor(run, handle), from).catch(() => true))) losing.push(handle.host);
  }
  if (losing.length === 0) return;
  const text = `${from} of ${losing.join(', ')} is not uploaded: as on SageMaker, only ${hosts.join(', ')}'s is. What every host must leave belongs in /opt/ml/model.`;
  run.reporter.say({ kind: 'note', text });
}

const UNNAMABLE = 'some names in it are not UTF-8, and no object can bear them';
