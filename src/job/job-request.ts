/** The JSON body of a Create*Job call, as AWS takes it: not checked yet. */
export type JobRequest = Readonly<Record<string, unknown>>;

/** The kinds of job that optml runs. */
export type JobKind = 'training' | 'processing';

export const JOB_KINDS: readonly JobKind[] = ['training', 'processing'];

/** The request without the members that are `null`, which to AWS are absent. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutNulls(item)]));
}

/** An empty text says as much as an absent one. */
export function orNull(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
