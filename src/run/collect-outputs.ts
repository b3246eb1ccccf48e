/** Outputs of ended hosts: uploaded as planned, or kept in the home and named. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { collect, isEmpty, keep, mergeOutputs, outputsOf } from '../data-plane.js';
import type { HostHandle } from '../engine/port.js';
import { asOptmlError, type OptmlError } from '../errors.js';
import type { HostOutputs, OutputEntry } from '../collect/output-entry.js';
import type { UploadPlan } from '../plan/uploads.js';
import { reasonOfUpload } from '../report/failure-reason.js';
import { NOTHING_SENT, sentByAll, type SentOutputs } from './continuous-outputs.js';
import { roomOf } from './prepare-hosts.js';
import type { JobRun } from './run-job.js';

export type CollectRun = Pick<
  JobRun,
  'plan' | 'store' | 'engine' | 'control' | 'reporter' | 'files' | 'keepFolder'
>;

export type KeepRun = Omit<CollectRun, 'store' | 'control'>;

/** Names in one event; a folder of ten thousand sockets is told by its count. */
const MAX_NAMES = 20;

/** Null when everything that was there was uploaded; else the FailureReason of the first that was not. */
export async function collectOutputs(
  run: CollectRun,
  placed: readonly HostHandle[],
  sent: SentOutputs = NOTHING_SENT,
): Promise<string | null> {
  let reason: string | null = null;
  let lost: OptmlError | null = null;
  for (const upload of run.plan.uploads) {
    // What a run that died had uploaded already is not sent again.
    if (run.reporter.state.uploaded.some(one => one.from === upload.from)) continue;
    let why = UNNAMABLE;
    try {
      run.control.killing.throwIfAborted();
      if (await uploadOne(run, upload, { placed, sent })) continue;
    } catch (thrown) {
      why = run.control.killing.aborted ? 'the job was killed' : asOptmlError(thrown).message;
      reason ??= reasonOfUpload(why);
    }
    for (const handle of placed) lost = (await keepOne(run, { upload, handle, why, lost })) ?? lost;
  }
  return reason;
}

/** Keeps every output, with no attempt to upload it; false when one of them must stay where it is. */
export async function keepOutputs(
  run: KeepRun,
  placed: readonly HostHandle[],
  why: string,
): Promise<boolean> {
  let lost: OptmlError | null = null;
  for (const upload of run.plan.uploads)
    for (const handle of placed) lost = (await keepOne(run, { upload, handle, why, lost })) ?? lost;
  return lost === null;
}

/** `--keep` for hosts whose tree only the engine has: it comes into the working folder as a tar file. */
export async function fetchTrees(
  { engine, files }: Pick<CollectRun, 'engine' | 'files'>,
  placed: readonly HostHandle[],
): Promise<void> {
  for (const handle of placed) {
    const tree = (await engine.archive(handle)?.('/opt/ml')) ?? null;
    if (tree !== null) await pipeline(tree, createWriteStream(join(files.work, `${handle.host}.tar`)));
  }
}

/** What a placed host left; undefined when the host is not known. */
export function openOutputs(run: CollectRun, host: string): HostOutputs | undefined {
  const handle = run.reporter.state.placed.find(one => one.host === host);
  return handle === undefined ? undefined : outputsFor(run, handle);
}

function outputsFor(run: KeepRun, handle: HostHandle): HostOutputs {
  const host = run.plan.hosts.find(one => one.name === handle.host);
  if (host === undefined) throw new TypeError(`the plan has no host ${handle.host}`);
  return outputsOf({ host, room: roomOf(run, handle.host), archive: run.engine.archive(handle) });
}

/** False when there is content besides that no object can bear. */
async function uploadOne(
  run: CollectRun,
  upload: UploadPlan,
  { placed, sent }: { readonly placed: readonly HostHandle[]; readonly sent: SentOutputs },
): Promise<boolean> {
  const { store, control, reporter } = run;
  const sources = placed.filter(({ host }) => upload.hosts.includes(host));
  const clashes: string[] = [];
  const outputs = mergeOutputs(
    sources.map(handle => ({ host: handle.host, outputs: outputsFor(run, handle) })),
    (host, path) => clashes.push(`${host}: ${JSON.stringify(path)}`),
  );
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
  const result = await collect({
    upload,
    outputs,
    sent: sentByAll(sources.map(({ host }) => sent(host, upload.from))),
    store,
    signal: control.killing,
    onTransfer(change) {
      sum.bytes += change.bytes;
      sum.objects += change.objects;
      progress(false);
    },
    onBegun: begun => reporter.say({ kind: 'upload.begun', upload: begun }),
    onLeftOut: entry => leftOut.push(entry),
  });
  progress(true);
  if (leftOut.length > 0) {
    const names = someOf(leftOut.map(entry => entry.path));
    reporter.say({ kind: 'output.left-out', from: upload.from, names });
  }
  if (clashes.length > 0) {
    const text = `${upload.from}: an earlier host wrote these paths too, and its files stand in the upload: ${someOf(clashes).join(', ')}`;
    reporter.say({ kind: 'note', text });
  }
  await tellOfOthers(run, upload, placed);
  if (result !== null) {
    const file = store.locate(upload.to);
    reporter.say({
      kind: 'output.uploaded',
      from: upload.from,
      ...result,
      ...(file === null ? {} : { file }),
    });
  }
  return !leftOut.some(entry => entry.kind === 'unnamable');
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

/** Null when it is kept. `lost` is why another one could not be: an engine that is gone is not asked for each. */
async function keepOne(
  run: KeepRun,
  {
    upload,
    handle,
    why,
    lost,
  }: { upload: UploadPlan; handle: HostHandle; why: string; lost: OptmlError | null },
): Promise<OptmlError | null> {
  const { reporter, files } = run;
  const keepFolder = run.plan.hosts.length > 1 ? join(run.keepFolder, handle.host) : run.keepFolder;
  const archive = run.engine.archive(handle);
  try {
    if (archive !== null && lost?.code === 'ENGINE_UNREACHABLE') throw lost;
    const path = await keep({
      outputs: outputsFor(run, handle),
      source:
        archive === null
          ? { kind: 'room', room: roomOf({ files }, handle.host) }
          : { kind: 'engine', archive },
      from: upload.from,
      folder: keepFolder,
    });
    if (path !== null) reporter.say({ kind: 'output.kept', from: upload.from, path, why });
    return null;
  } catch (thrown) {
    const error = asOptmlError(thrown);
    const where =
      handle.volumes.length === 0
        ? roomOf({ files }, handle.host)
        : `the volumes of container ${handle.container.slice(0, 12)}`;
    reporter.say({ kind: 'output.unsaved', from: upload.from, where, why: `${why}; then ${error.message}` });
    return error;
  }
}
