/** `optml clean`, of the embedded store: what dead writers left in it, and what it knows of objects that are gone. */
import { join } from 'node:path';
import type { CleanReport } from './run/clean.js';

/** `root`: the store's folder. `now`: epoch milliseconds. */
export async function cleanStore(root: string, now: number): Promise<CleanReport[]> {
  const [{ sweepTemporary }, { sweepRecords }, { stampsOf }] = await Promise.all([
    import('./store/embedded/temporary.js'),
    import('./store/embedded/object-record.js'),
    import('./store/embedded/object-files.js'),
  ]);
  const files = await sweepTemporary(root, now);
  // Of objects that a person has deleted or changed.
  const records = await sweepRecords({ root, now, stampsOf: address => stampsOf(root, address) });
  const report = (name: string, done: string): CleanReport => ({
    what: 'file',
    name,
    job: '',
    done,
    stays: false,
  });
  return [
    ...(records === 0
      ? []
      : [report(join(root, '.optml/meta'), `${records} records of objects that are gone removed`)]),
    ...files.map(name => report(name, 'removed')),
  ];
}
