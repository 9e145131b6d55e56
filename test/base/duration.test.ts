import { expect, it } from "vitest";
import * as fc from "fast-check";
import {
  durationMs,
  formatDuration,
  MAX_DURATION_MS,
  parseDuration,
} from "../../src/base/duration.ts";
import { AppError } from "../../src/base/errors.ts";

const refused = (text: string, maxMs?: number): AppError => {
  try {
    parseDuration(text, "backoff.max", maxMs);
  } catch (error) {
    if (error instanceof AppError) return error;
  }
  throw new Error(`${text} was taken`);
};

it.each([
  ["0", 0],
  ["0s", 0],
  ["5s", 5_000],
  ["5.0s", 5_000],
  ["+5s", 5_000],
  ["1m30s", 90_000],
  ["500ms", 500],
  ["1h0m0s", 3_600_000],
  ["1.1s", 1_100],
  [".5s", 500],
  ["5.s", 5_000],
  ["1.001s", 1_001],
  ["90m", 5_400_000],
  ["1500us", 2],
  ["1ns", 1],
  ["1000µs", 1],
  ["1000μs", 1],
])("reads %s as %d ms", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

it.each([
  "",
  "5",
  "-1s",
  "s",
  ".",
  ".s",
  "5x",
  "1 s",
  " 5s",
  "5s ",
  "1e3s",
  "5S",
  "1d",
  "++5s",
  "0x5s",
  `${"1".repeat(64)}s`,
])("takes %j for no duration", (text) => {
  expect(durationMs(text)).toBeUndefined();
});

it("refuses with field, value and what is allowed", () => {
  const error = refused("-1s");

  expect(error.code).toBe("invalid_request");
  expect(error.message).toBe(
    'backoff.max is "-1s": allowed is a duration such as 500ms, 5s, 1m30s or 2h, not negative',
  );
  expect(error.details).toMatchObject({ field: "backoff.max", value: "-1s" });
});

it("refuses what no timer can wait for, naming the limit", () => {
  expect(parseDuration("576h", "duration")).toBe(MAX_DURATION_MS);
  expect(refused("576h0m0.001s").message).toContain("at most 576h0m0s");
  expect(refused("2h", 3_600_000).message).toContain("at most 1h0m0s");
});

it.each([
  [0, "0s"],
  [1, "1ms"],
  [999, "999ms"],
  [1_000, "1s"],
  [1_500, "1.5s"],
  [10_000, "10s"],
  [60_000, "1m0s"],
  [61_001, "1m1.001s"],
  [90_000, "1m30s"],
  [3_600_000, "1h0m0s"],
  [36_000_000, "10h0m0s"],
])("prints %d ms as %s, as Go does", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

it("reads what it prints", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: MAX_DURATION_MS }), (ms) => {
      expect(durationMs(formatDuration(ms))).toBe(ms);
    }),
  );
});

/** Nanoseconds of each unit. Source: Go, time.ParseDuration. */
const UNITS = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 10n ** 9n,
  m: 60n * 10n ** 9n,
  h: 3_600n * 10n ** 9n,
};

const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${most}}$`));
const parts = fc.array(
  fc.record({
    whole: digits(5),
    fraction: fc.option(digits(4)),
    unit: fc.constantFrom(...(Object.keys(UNITS) as (keyof typeof UNITS)[])),
  }), // its own keys
  { minLength: 1, maxLength: 4 },
);

it("sums the parts of any duration, and rounds up to a millisecond", () => {
  fc.assert(
    fc.property(parts, (given) => {
      const text = given
        .map(
          ({ whole, fraction, unit }) => whole + (fraction === null ? "" : `.${fraction}`) + unit,
        )
        .join("");
      const sum = given.reduce((total, { whole, fraction, unit }) => {
        const scale = 10n ** BigInt(fraction?.length ?? 0);
        return total + (BigInt(whole + (fraction ?? "")) * UNITS[unit]) / scale;
      }, 0n);

      expect(durationMs(text)).toBe(Number((sum + 999_999n) / 1_000_000n));
    }),
  );
});

const LETTERS = "0123456789.+- smhnu\u00b5\u03bcdeE_x".split("");

/** Texts made of what durations are made of, and a little more. */
const lookalike = fc.oneof(
  fc.stringMatching(/^[-+]?[0-9.]{0,4}(ns|us|\u00b5s|ms|s|m|h|d|S|)[0-9.]{0,3}(s|m|)$/),
  fc.array(fc.constantFrom(...LETTERS), { maxLength: 70 }).map((letters) => letters.join("")),
  fc.string(),
);

it("takes a text for a whole number of milliseconds or for nothing, and prints it so that it reads the same", () => {
  fc.assert(
    fc.property(lookalike, (text) => {
      const ms = durationMs(text);
      if (ms === undefined) return;
      expect(Number.isInteger(ms) && ms >= 0).toBe(true);
      expect(text).toMatch(/^\+?([0-9.]+(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$|^\+?0+$/);
      if (ms <= MAX_DURATION_MS) expect(durationMs(formatDuration(ms))).toBe(ms);
    }),
    { numRuns: 1_000 },
  );
});

it("takes a text for a time that can be waited for, or refuses it by name", () => {
  fc.assert(
    fc.property(lookalike, (text) => {
      try {
        expect(parseDuration(text, "backoff.max")).toBeLessThanOrEqual(MAX_DURATION_MS);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        expect(error.details).toMatchObject({ field: "backoff.max" });
        expect(error.message.length).toBeLessThan(250);
      }
    }),
    { numRuns: 1_000 },
  );
});
