/** The name that was probably meant by one that does not exist. */

/** Longer names are not compared: the model's longest has 37 letters, and comparing costs the product of both lengths. */
const LONGEST_COMPARED = 60;

/** The candidate nearest to `name`, or undefined when none is near: at most two slips, or one in three letters. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  if (name.length > LONGEST_COMPARED) return undefined;
  const wanted = plain(name);
  const ranked = candidates
    .map(candidate => ({ candidate, slips: slipsBetween(wanted, plain(candidate)) }))
    .sort((one, other) => one.slips - other.slips);
  const best = ranked[0];
  return best !== undefined && best.slips <= Math.max(2, Math.floor(wanted.length / 3))
    ? best.candidate
    : undefined;
}

/** `training_job_name` and `trainingJobName` are the same slip: another language's way to write TrainingJobName. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Levenshtein's distance: letters added, left out or changed. */
function slipsBetween(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 0; row < one.length; row += 1) {
    const current = [row + 1];
    for (let column = 0; column < other.length; column += 1) {
      const changed = (previous[column] ?? 0) + (one[row] === other[column] ? 0 : 1);
      current.push(Math.min(changed, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
