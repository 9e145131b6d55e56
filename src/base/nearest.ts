/** Letters and digits in lower case, so that `socketPath`, `socket-path` and `socket_path` are the same word. */
const bare = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, "");

/** How many letters must be added, removed, changed or swapped with their neighbour to turn one word into the other. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] && i > 1) {
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      }
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * The known word that was most likely meant, or undefined where none is near: a third of its letters may be wrong, three at most.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const wanted = bare(word).slice(0, 64);
  const limit = Math.min(3, Math.round(wanted.length / 3));
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(wanted, bare(candidate)) }))
    .filter(({ far }) => far <= limit)
    .toSorted((a, b) => a.far - b.far);
  return ranked[0]?.candidate;
}
