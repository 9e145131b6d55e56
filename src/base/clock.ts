/** Two times (docs/events.md): `now` is for sums and never goes back, `wall` is what the clock on the wall says. */
export interface Clock {
  /** Milliseconds, whole; never less than an earlier answer, nor than the last row of the log it was begun from. */
  readonly now: () => number;
  /** Milliseconds since the epoch as the system's clock has it; may jump either way. */
  readonly wall: () => number;
}

/**
 * The system's clock. `now` begins at the greater of the wall clock and `notBefore`, then follows the clock given.
 *
 * @param elapsedMs a monotonic clock that counts time asleep, in milliseconds (CLOCK_BOOTTIME)
 * @param notBefore `at` of the last row of the log, or 0
 * @param wall the clock on the wall
 */
export function systemClock(
  elapsedMs: () => number,
  notBefore: number,
  wall: () => number = Date.now,
): Clock {
  const base = Math.max(wall(), notBefore) - elapsedMs();
  let last = 0;
  return {
    now: () => (last = Math.max(last, Math.floor(base + elapsedMs()))),
    wall,
  };
}

/** A clock that stands still until it is told to go: for tests and simulations. */
export function manualClock(
  start: number,
): Clock & { advance(ms: number): void; stepWall(ms: number): void } {
  let now = start;
  let skew = 0;
  return {
    now: () => now,
    wall: () => now + skew,
    advance: (ms) => void (now += ms),
    stepWall: (ms) => void (skew += ms),
  };
}
