/** Python's own `re`: what it says of patterns and lines. */
import { spawnSync } from 'node:child_process';

export interface Asked {
  readonly pattern: string;
  readonly lines: readonly string[];
}

export type Answer =
  /** Of each line: the first group, or null when it does not match or the group is no part of it. */
  { readonly values: readonly (string | null)[] } | { readonly error: string };

const PROGRAM = `
import json, re, sys, warnings
warnings.simplefilter("ignore")
def answer(asked):
    try:
        pattern = re.compile(asked["pattern"])
    except (re.error, OverflowError) as error:
        return {"error": str(error)}
    found = [pattern.search(line) for line in asked["lines"]]
    return {"values": [match.group(1) if match and pattern.groups else None for match in found]}
json.dump([answer(one) for one in json.load(sys.stdin)], sys.stdout)
`;

export function askPython(asked: readonly Asked[]): Answer[] {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', PROGRAM], {
    input: JSON.stringify(asked),
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`python3 ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Answer[];
}
