import type { Clock } from "../base/clock.ts";

/** A jump of the wall clock that is told; smaller ones are how clocks are kept right. */
export const STEP_MS = 1_000;
const EVERY_MS = 1_000;

/**
 * Tells when the wall clock jumps against our own, by how many milliseconds. Looks once a second.
 *
 * @returns the way to end it
 */
export function watchClock(clock: Clock, stepped: (byMs: number) => void): () => void {
  let offset = clock.wall() - clock.now();
  const timer = setInterval(() => {
    const now = clock.wall() - clock.now();
    if (Math.abs(now - offset) > STEP_MS) stepped(now - offset);
    offset = now;
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
