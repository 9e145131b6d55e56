import { performance } from "node:perf_hooks";
import type { Journal } from "./journal.ts";

/**
 * A journal that tells how long each append took, in seconds: from the hand-over to the answer, so that a disk that is
 * slow shows, and a writer that is busy, too.
 */
export const measured = (journal: Journal, took: (seconds: number) => void): Journal => ({
  append: async (groups) => {
    const began = performance.now();
    const result = await journal.append(groups);
    took((performance.now() - began) / 1_000);
    return result;
  },
  settleKey: (...settled) => journal.settleKey(...settled),
  close: () => journal.close(),
});
