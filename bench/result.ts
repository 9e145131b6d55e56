/** What a figure should reach: a limit for itself, or for its ratio to the floor. */
export interface Aim {
  of: "value" | "ratio";
  is: "at least" | "at most";
  limit: number;
}

/** One figure. */
export interface Result {
  name: string;
  value: number;
  unit: string;
  /** The least, or the most, that can be had on this machine, or a peer; measured in the same run. */
  floor?: { name: string; value: number };
  /** Value by the floor's value. */
  ratio?: number;
  aim?: Aim;
  /** What else was seen. */
  note?: string;
}

export interface Options {
  /** A tenth of the work, to see whether everything runs: the figures mean little. */
  quick: boolean;
}

/** A subject that cannot be measured on this machine: says what is missing and how to get it. */
export class Unavailable extends Error {}

export const ratioAtLeast = (limit: number): Aim => ({ of: "ratio", is: "at least", limit });
export const ratioAtMost = (limit: number): Aim => ({ of: "ratio", is: "at most", limit });
export const valueAtMost = (limit: number): Aim => ({ of: "value", is: "at most", limit });

/** Whether an aim is reached; undefined where there is none. */
export function isReached({ value, ratio, aim }: Result): boolean | undefined {
  if (!aim) return undefined;
  const figure = aim.of === "value" ? value : (ratio ?? Number.NaN);
  return aim.is === "at least" ? figure >= aim.limit : figure <= aim.limit;
}

/** A figure beside its floor. */
export const compared = (
  result: Omit<Result, "ratio" | "floor">,
  floor: { name: string; value: number },
): Result => ({ ...result, floor, ratio: result.value / floor.value });

/** The middle one: noise of a shared machine moves the mean, not it. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Measures several ways in turn, A B A B, so that a change of the machine's mood meets them all.
 *
 * @param ways each gives one or more samples a round
 * @returns the median of each way's samples, by its name
 */
export async function inTurn<Name extends string>(
  rounds: number,
  ways: Readonly<Record<Name, () => Promise<number | readonly number[]>>>,
): Promise<Record<Name, number>> {
  const samples = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, way] of Object.entries<() => Promise<number | readonly number[]>>(ways)) {
      const kept = samples.get(name) ?? [];
      samples.set(name, kept.concat(await way()));
    }
  }
  const medians = [...samples].map(([name, values]) => [name, median(values)] as const);
  return Object.fromEntries(medians) as Record<Name, number>; // one for each way
}
