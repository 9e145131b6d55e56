import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createPauses } from "../../src/effects/pauses.ts";

let at = 0;
const pauses = createPauses(() => at);
/** Time goes by, for the clock and for timers alike. */
const pass = (ms: number) => {
  for (let gone = 0; gone < ms; gone += 50) {
    at += 50;
    vi.advanceTimersByTime(50);
  }
};
/** The machine sleeps, or we do: no timer runs. */
const sleep = (ms: number) => void (at += ms);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0); // nobody watches: nothing runs
  vi.useRealTimers();
});

it("sees no pause where time goes by as usual, however long", () => {
  const wasPaused = pauses.watch();
  pass(60_000);
  expect(wasPaused()).toBe(false);
});

it("sees one that is over, and one that ends with the question", () => {
  const over = pauses.watch();
  pass(300);
  sleep(1_100);
  pass(5_000);
  expect(over()).toBe(true);
  const now = pauses.watch();
  pass(200);
  sleep(3_600_000);
  expect(now()).toBe(true);
});

it("does not blame one that was before, or while nobody watched", () => {
  const first = pauses.watch();
  sleep(5_000);
  const second = pauses.watch();
  pass(1_000);
  expect([first(), second()]).toEqual([true, false]);
  sleep(5_000);
  const third = pauses.watch();
  pass(1_000);
  expect(third()).toBe(false);
});
