import type { Backoff } from "./definition.ts";
import type { Instant } from "./kit.ts";

/** So many failures within `LOOP_WINDOW_MS` show as `crash-looping`. */
export const LOOP_FAILURES = 5;
export const LOOP_WINDOW_MS = 60_000;
/** A looping service waits at least so long between tries, whatever its backoff says, lest it evict everybody's history. */
export const LOOP_PAUSE_MS = 100;

/**
 * Delay before the next try, in whole milliseconds.
 *
 * @param failures failures in a row, this one included: 1 or more
 * @param draw     0 to 1; 0.5 is the delay without jitter
 */
export function nextDelay(backoff: Backoff, failures: number, draw: number): number {
  // Bounded, since no delay times infinity is not a number.
  const growth = Math.min(backoff.factor ** (failures - 1), Number.MAX_VALUE);
  const plain = Math.min(backoff.maxMs, backoff.firstMs * growth);
  return Math.round(plain * (1 + backoff.jitter * (2 * draw - 1)));
}

/** How many of the failures lie within the window that ends at `at`. */
export const countWithin = (failures: readonly Instant[], at: Instant, windowMs: number): number =>
  failures.filter((failure) => at - failure < windowMs).length;
