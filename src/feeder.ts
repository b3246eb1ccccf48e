/** Feeders as processes: one a job with Pipe channels, which writes into its FIFOs. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Feeder, FromFeeder, StartFeeder, ToFeeder } from './channels/feed-protocol.js';
import type { Environment } from './connect.js';
import { deferred, type Deferred } from './deferred.js';
import { OptmlError } from './errors.js';
import type { Settings } from './settings.js';

/** How the feeder opens the same store. */
export interface StoreAddress {
  readonly settings: Settings;
  readonly place: { readonly environment: Environment; readonly folder: string };
}

const PROGRAM = fileURLToPath(new URL('./feeder-main.js', import.meta.url));

/** Threads besides those that wait for a reader: reading, unpacking. */
const OTHER_THREADS = 4;

export function feederOf(store: StoreAddress): StartFeeder {
  return async channels => {
    if (process.platform !== 'linux')
      throw new OptmlError(
        'ENGINE_UNFIT',
        `Pipe mode needs FIFOs that this system (${process.platform}) and the containers share, which only Linux has: use File mode, or run this on Linux.`,
      );
    const child = fork(PROGRAM, [], {
      env: { ...store.place.environment, UV_THREADPOOL_SIZE: String(channels.length + OTHER_THREADS) },
      // What this process was started with is not for that one.
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // Ctrl-C of a terminal goes to its whole process group: what the job's end means for its feeder is decided here.
      detached: true,
    });
    const running = talkTo(child);
    try {
      await running.begin({ kind: 'begin', store, channels });
    } catch (thrown) {
      await running.end();
      throw thrown;
    }
    return running;
  };
}

function talkTo(child: ChildProcess): Feeder & { begin(message: ToFeeder<StoreAddress>): Promise<void> } {
  const ready = deferred<undefined>();
  const asked = new Map<string, Deferred<undefined>>();
  const exited = once(child, 'exit');

  function failAll(error: OptmlError): void {
    ready.reject(error);
    for (const one of asked.values()) one.reject(error);
    asked.clear();
  }

  child.on('message', (message: FromFeeder) => {
    if (message.kind === 'ready') ready.resolve(undefined);
    else if (message.kind === 'fed') {
      asked.get(message.channel)?.resolve(undefined);
      asked.delete(message.channel);
    } else {
      const error = new OptmlError(message.code, message.message);
      if (message.channel === null) failAll(error);
      else asked.get(message.channel)?.reject(error);
    }
  });
  const lost = (how: string): void =>
    failAll(
      new OptmlError('INTERNAL', `The process that feeds the channels ended before its time (${how}).`),
    );
  child.on('exit', (code, signal) => lost(String(signal ?? code)));
  child.on('error', thrown => lost(thrown.message));

  return {
    async begin(message) {
      child.send(message);
      await ready.promise;
    },
    async feed(channel, epoch, end) {
      const answer = deferred<undefined>();
      asked.set(channel, answer);
      const fifo = `/proc/${process.pid}/fd/${end}`;
      if (child.connected) child.send({ kind: 'feed', channel, epoch, fifo } satisfies ToFeeder);
      else lost('it is gone');
      await answer.promise;
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}
