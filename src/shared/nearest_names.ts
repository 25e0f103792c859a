// Suggests names for a misspelled option. Page bundles omit this and list all names; see
// npm-build.ts.

/** The minimum length of a name to look for inside others. */
const LEAST_PART = 4;

/** The maximum characters to compare: no option is longer, and the time is quadratic. */
const MAX_NAME = 40;

/**
 * Returns a question that suggests the nearest names; `undefined` if none is near.
 *
 * @param prefix The prefix of names in errors: `tls.`
 */
export function nearestNames(
  name: string,
  known: readonly string[],
  prefix: string,
): string | undefined {
  const near = nearest(name, known).map((one) => `"${prefix}${one}"`);
  return near.length === 0 ? undefined : `Did you mean ${near.join(" or ")}?`;
}

/** The most similar known name, or those that contain the wrong one. */
function nearest(name: string, known: readonly string[]): string[] {
  const given = normalized(name);
  let found: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const longest = Math.max(given.length, candidate.length);
    const edits = editDistance(given.slice(0, MAX_NAME), normalized(candidate).slice(0, MAX_NAME));
    // Allow one error in a short word, three in a long one.
    if (edits >= least || edits > Math.min(3, longest / 3)) continue;
    least = edits;
    found = candidate;
  }
  if (found !== undefined) return [found];
  if (given.length < LEAST_PART) return [];
  return known.filter((candidate) => {
    const other = normalized(candidate);
    return other.includes(given) || other.length >= LEAST_PART && given.includes(other);
  });
}

/** Removes differences between libraries: case, separators, the "on" of handlers. */
function normalized(name: string): string {
  return name.replace(/^on(?=[A-Z])/, "").replace(/[-_ ]/g, "").toLowerCase();
}

/** The minimum number of insertions, deletions, replacements and transpositions. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, last[j] + 1, row[j - 1] + 1);
      const isExchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isExchanged) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.length];
}
