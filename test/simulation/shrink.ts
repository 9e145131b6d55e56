import type { Decision } from "./decisions.ts";

/** Whether a shorter history still fails in the same way. */
export type Fails = (history: readonly Decision[]) => Promise<boolean>;

/**
 * Leaves out of a history what its failure does not need: halves first, then smaller pieces, down to single steps, again and again until nothing more can go or the time is over.
 * Source: Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (2002).
 *
 * @param isOver asked between tries
 */
export async function shrink(
  history: readonly Decision[],
  fails: Fails,
  isOver: () => boolean,
): Promise<readonly Decision[]> {
  let kept = history;
  let size = Math.ceil(kept.length / 2);
  while (size >= 1 && !isOver()) {
    const shorter = await withoutOne(kept, size, fails, isOver);
    if (shorter.length < kept.length) size = Math.min(size, Math.ceil(shorter.length / 2));
    else size = size === 1 ? 0 : Math.ceil(size / 2);
    kept = shorter;
  }
  return kept;
}

/** One round over a history, from its end, with pieces of one size. */
async function withoutOne(
  history: readonly Decision[],
  size: number,
  fails: Fails,
  isOver: () => boolean,
): Promise<readonly Decision[]> {
  let kept = history;
  for (let end = kept.length; end > 0 && !isOver(); end -= size) {
    const without = [...kept.slice(0, Math.max(0, end - size)), ...kept.slice(end)];
    if (await fails(without)) kept = without;
  }
  return kept;
}
