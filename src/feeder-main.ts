/**
 * The program of a feeder: `feeder.ts` starts it. It has the thread pool to itself, so that a write that waits for a slow reader
 * holds up nobody; it says what it has fed, and ends with its parent.
 */
import { serveFeeds, type FeedServer } from './channels/serve-feeds.js';
import type { FromFeeder, ToFeeder } from './channels/feed-protocol.js';
import { connectStore } from './connect.js';
import { asOptmlError } from './errors.js';
import type { StoreAddress } from './feeder.js';

let server: FeedServer | undefined;

function say(message: FromFeeder): void {
  process.send?.(message, undefined, undefined, () => undefined);
}

async function hear(message: ToFeeder<StoreAddress>): Promise<void> {
  if (message.kind === 'begin') {
    const { store, channels } = message;
    server = serveFeeds({ channels, store: await connectStore(store.settings, store.place) });
    say({ kind: 'ready' });
  } else if (server !== undefined) say(await server.feed(message));
}

process.on('message', (message: ToFeeder<StoreAddress>) => {
  hear(message).catch((thrown: unknown) => {
    const { code, message: text } = asOptmlError(thrown);
    say({ kind: 'failed', channel: null, code, message: text });
  });
});

// An ordinary exit would wait for threads that wait for readers.
const end = (): boolean => process.kill(process.pid, 'SIGKILL');
process.on('disconnect', () => void Promise.resolve(server?.unread()).finally(end));
