/** How the containers of a job reach its store: by an address in their environment, and by S3's own names. */
import { writeFile } from 'node:fs/promises';
import { placeInRoom } from '../data-plane.js';
import type { ImageFacts, JobNetwork, NamesHelper, Nameserver } from '../engine/port.js';
import { OptmlError } from '../errors.js';
import { makeFolder } from '../make-folder.js';
import { S3_NAMES } from '../names/s3-names.js';
import { AUTHORITIES_FILE, AUTHORITY_FILE, AUTHORITY_FOLDER, STORE } from '../plan/environment.js';
import type { StoreKeys } from '../plan/environment.js';
import type { Mount } from '../plan/opt-ml-tree.js';
import type { Certificates, StoreAccess } from '../store/port.js';
import type { JobRun } from './run-job.js';
import type { UndoList } from './undo-list.js';

export interface WayToStore {
  /** Null where the containers get none. */
  readonly keys: StoreKeys | null;
  /** Host → who answers S3's names there; empty where nobody does. */
  readonly names: Names;
  readonly certificates: Certificates | null;
}

type Names = Readonly<Record<string, NamesHelper | Nameserver>>;

const NONE: WayToStore = { keys: null, names: {}, certificates: null };

/** None when the plan's containers have no way to the store, or the engine's cannot reach this process. */
export async function openWayToStore(
  run: JobRun,
  place: { readonly image: Promise<ImageFacts>; readonly network: Promise<JobNetwork> },
  undo: UndoList,
  signal: AbortSignal,
): Promise<WayToStore> {
  const { plan, engine, reporter, openAccess } = run;
  const wanted = plan.hosts.some(host => Object.values(host.container.environment).includes(STORE));
  if (!wanted || openAccess === null) return NONE;
  const network = await place.network;
  const address = await engine.gateway(network);
  if (address === null) {
    reporter.say({
      kind: 'note',
      text: `Containers of ${engine.name} cannot reach this machine, so this one gets no address of the store and no keys.`,
    });
    return NONE;
  }
  const access = await openAccess(address);
  undo.add("The container's way to the store", () => access.close());
  const image = await place.image;
  const named = await openNames(run, { access, image, network }, undo, signal);
  const { url, accessKeyId, secretAccessKey } = access;
  return {
    keys: { url, accessKeyId, secretAccessKey, named: named !== null },
    names: named?.names ?? {},
    certificates: named?.certificates ?? null,
  };
}

/** Null where an engine cannot: AWS's newer SDKs find the store by its address. */
async function openNames(
  { plan, engine, reporter, labels }: JobRun,
  { access, image, network }: { access: StoreAccess; image: ImageFacts; network: JobNetwork },
  undo: UndoList,
  signal: AbortSignal,
): Promise<{ names: Names; certificates: Certificates } | null> {
  const { certificates, nameserver, ...leadsTo } = await access.serveNames();
  if (nameserver) {
    const { address } = leadsTo;
    const names = plan.hosts.map(host => [host.name, { kind: 'server', address }] as const);
    return { names: Object.fromEntries(names), certificates };
  }
  const opened = await Promise.allSettled(
    plan.hosts.map(async ({ name: host }) => {
      const names = await engine.openNames(
        { host, image, network, names: S3_NAMES, leadsTo, labels: { ...labels, host } },
        signal,
      );
      undo.add(`The network of ${host}`, () => engine.closeNames(names));
      return [host, names] as const;
    }),
  );
  const failed = opened.find(one => one.status === 'rejected');
  const names = Object.fromEntries(opened.flatMap(one => (one.status === 'fulfilled' ? [one.value] : [])));
  if (failed === undefined) return { names, certificates };
  signal.throwIfAborted();
  if (!(failed.reason instanceof OptmlError) || failed.reason.code !== 'ENGINE_UNFIT') throw failed.reason;
  // All hosts of a job are alike.
  await Promise.all(Object.values(names).map(one => engine.closeNames(one)));
  reporter.say({
    kind: 'note',
    text: `In the container only programs that read AWS_ENDPOINT_URL_S3 find the store, as ${engine.name} cannot answer for s3.amazonaws.com: ${failed.reason.message}.`,
  });
  return null;
}

/** Puts into a host's room whom its programs shall trust; gives what is mounted for it. */
export async function placeCertificates(room: string, certificates: Certificates | null): Promise<Mount[]> {
  if (certificates === null) return [];
  await makeFolder(placeInRoom(room, AUTHORITY_FOLDER));
  await writeFile(placeInRoom(room, AUTHORITY_FILE), certificates.own);
  await writeFile(placeInRoom(room, AUTHORITIES_FILE), certificates.all);
  return [{ path: AUTHORITY_FOLDER, writable: false }];
}
