import * as fc from "fast-check";
import { expect, it } from "vitest";
import { countWithin, nextDelay } from "../../machines/backoff.ts";
import { type Backoff, DEFAULT_BACKOFF } from "../../machines/definition.ts";

const delays = (backoff: Partial<Backoff>, count: number, draw = 0.5): number[] =>
  Array.from({ length: count }, (_, index) =>
    nextDelay({ ...DEFAULT_BACKOFF, ...backoff }, index + 1, draw),
  );

it("begins with 200 ms, doubles, and ends at 30 s", () => {
  expect(delays({}, 10)).toEqual([
    200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000,
  ]);
});

it("is up to a fifth shorter or longer, as it was drawn", () => {
  expect(delays({}, 3, 0)).toEqual([160, 320, 640]);
  expect(delays({}, 3, 1)).toEqual([240, 480, 960]);
});

it("stays at once where there is no first delay, however often it failed", () => {
  expect(delays({ firstMs: 0 }, 3)).toEqual([0, 0, 0]);
  expect(nextDelay({ ...DEFAULT_BACKOFF, firstMs: 0 }, 5_000, 0.5)).toBe(0);
});

it("stays the same with a factor of 1", () => {
  expect(delays({ firstMs: 500, factor: 1 }, 3)).toEqual([500, 500, 500]);
});

const backoffs = fc.record({
  firstMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3_600_000 })),
  factor: fc.double({ min: 1, max: 100, noNaN: true }),
  maxMs: fc.integer({ min: 0, max: 86_400_000 }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  resetAfterMs: fc.constant(30_000),
});
const failureCounts = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 1e9 }));
const draws = fc.double({ min: 0, max: 1, noNaN: true });

it("is a whole number of milliseconds within the jitter of what lies below the maximum", () => {
  fc.assert(
    fc.property(backoffs, failureCounts, draws, (backoff, failures, draw) => {
      const delay = nextDelay(backoff, failures, draw);

      expect(Number.isInteger(delay)).toBe(true);
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(Math.round(backoff.maxMs * (1 + backoff.jitter)));
    }),
  );
});

it("never gets shorter with another failure", () => {
  fc.assert(
    fc.property(backoffs, failureCounts, draws, (backoff, failures, draw) => {
      expect(nextDelay(backoff, failures + 1, draw)).toBeGreaterThanOrEqual(
        nextDelay(backoff, failures, draw),
      );
    }),
  );
});

it("counts the failures of a window that ends now and does not hold its beginning", () => {
  expect(countWithin([0, 1, 30_000, 60_000], 60_000, 60_000)).toBe(3);
});
