/** Does a row of a member table cover the member at this path? */
export function covers(row: string, path: string): boolean {
  if (!row.endsWith('.**')) return row === path;
  const base = row.slice(0, -3);
  return path === base || ['.', '[]', '{}'].some(next => path.startsWith(base + next));
}
