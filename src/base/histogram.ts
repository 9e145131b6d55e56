/** Counts of how long something took, by upper bounds. Cheap to add to: no object is made. */
export interface Histogram {
  observe: (seconds: number) => void;
  readonly bounds: readonly number[];
  /** One more than there are bounds: the last is of what was longer than all. Not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** @param bounds upper bounds in seconds, rising */
export function createHistogram(bounds: readonly number[]): Histogram {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  let sum = 0;
  return {
    observe: (seconds) => {
      let index = 0;
      while (index < bounds.length && seconds > (bounds[index] ?? Infinity)) index += 1;
      counts[index] = (counts[index] ?? 0) + 1;
      sum += seconds;
    },
    bounds,
    counts,
    get sum() {
      return sum;
    },
  };
}
