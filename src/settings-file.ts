/** What a config file may say. Loaded only where there is one. */
import { z } from 'zod';
import { OptmlError } from './errors.js';

const FILE = z
  .strictObject({
    home: z.string().min(1),
    store: z.string().min(1),
    map: z.array(z.string()),
    mapFs: z.array(z.string()),
    mapDataset: z.array(z.string()),
    fastfile: z.enum(['download', 'lazy']),
    mapImage: z.array(z.string()),
    port: z.union([z.number(), z.string()]),
    region: z.string(),
    account: z.string(),
    dockerHost: z.string(),
    strict: z.boolean(),
    keep: z.boolean(),
    emulateInstance: z.boolean(),
  })
  .partial();

export type FileSettings = Readonly<z.infer<typeof FILE>>;

/** Throws USAGE with the first thing that is wrong. */
export function checkSettingsFile({
  path,
  content,
}: {
  readonly path: string;
  readonly content: unknown;
}): FileSettings {
  const result = FILE.safeParse(content);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? path : `${issue.path.join('.')} in ${path}`;
  throw new OptmlError(
    'USAGE',
    `${where} is not as expected (${issue?.message ?? 'unreadable'}): the settings are ${Object.keys(FILE.shape).join(', ')}.`,
  );
}
