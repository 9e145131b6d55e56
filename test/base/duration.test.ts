import { expect, it } from "vitest";
import { assert, integer, property } from "fast-check";
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
  assert(
    property(integer({ min: 0, max: MAX_DURATION_MS }), (ms) => {
      expect(durationMs(formatDuration(ms))).toBe(ms);
    }),
  );
});
