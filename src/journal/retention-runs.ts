import type { Clock } from "../base/clock.ts";
import type { Keep } from "./cut.ts";
import type { Writer } from "./writer.ts";

interface RetentionRuns {
  journal: Pick<Writer, "retain">;
  keep: Keep;
  clock: Clock;
  /** Calls back after so many milliseconds, unless what it returns is called first. */
  after: (ms: number, callback: () => void) => () => void;
  /** The log was cut: all up to this row is gone. */
  onCut: (seq: number) => void;
  onFailed: (error: unknown) => void;
}

/** After a boot: it has better things to do first. */
const FIRST_MS = 10_000;
const EVERY_MS = 3_600_000;
/** Between two steps of some 10 ms, so that they take a tenth of the writer's time at most. */
const PAUSE_MS = 100;

/**
 * Keeps the store within its bounds, soon after a boot and then once an hour. A run that fails, on a full disk for one, is given up until the next.
 *
 * @returns the way to end it
 */
export function runRetention(runs: RetentionRuns): () => void {
  const { journal, keep, clock, after, onCut, onFailed } = runs;
  let cancel: (() => void) | undefined;
  let ended = false;
  const again = (ms: number): void => {
    if (!ended) cancel = after(ms, () => void step());
  };
  const step = async (): Promise<void> => {
    try {
      const { more, cut } = await journal.retain({
        ...keep,
        now: clock.now(),
        wall: clock.wall(),
      });
      if (cut !== undefined) onCut(cut);
      again(more ? PAUSE_MS : EVERY_MS);
    } catch (error) {
      if (!ended) onFailed(error);
      again(EVERY_MS);
    }
  };
  again(FIRST_MS);
  return () => {
    ended = true;
    cancel?.();
  };
}
