import { describe, expect, it } from "vitest";
import { createGuesses, sourceOf } from "../../../src/api/door/guesses.ts";

/** Guesses on a clock that stands still unless it is told to go on. */
function made() {
  const clock = { ms: 1_000_000 };
  const guesses = createGuesses(() => clock.ms);
  const fail = (address: string, times: number): void => {
    for (let n = 0; n < times; n++) guesses.failed(address);
  };
  return { clock, guesses, fail };
}

it("looks at ten wrong tokens of an address, then at none until time has passed", () => {
  const { clock, guesses, fail } = made();
  fail("10.0.0.1", 9);
  expect(guesses.waitMs("10.0.0.1")).toBe(0);

  expect(guesses.failed("10.0.0.1")).toBe(true);
  expect(guesses.waitMs("10.0.0.1")).toBe(6_000);
  clock.ms += 5_999;
  expect(guesses.waitMs("10.0.0.1")).toBe(1);
  clock.ms += 1;
  expect(guesses.waitMs("10.0.0.1")).toBe(0);
  clock.ms += 3_600_000;
  fail("10.0.0.1", 9);
  expect(guesses.waitMs("10.0.0.1")).toBe(0);
});

it("does not hold one address's guesses against another", () => {
  const { guesses, fail } = made();
  fail("10.0.0.1", 1_000);

  expect(guesses.waitMs("10.0.0.1")).toBeGreaterThan(0);
  expect(guesses.waitMs("10.0.0.2")).toBe(0);
});

it("leaves one try to each address when wrong tokens come from everywhere", () => {
  const { clock, guesses, fail } = made();
  for (let n = 0; n < 200; n++) fail(`10.1.0.${n}`, 1);

  expect(guesses.waitMs("10.9.9.9")).toBe(0);
  fail("10.9.9.9", 1);
  expect(guesses.waitMs("10.9.9.9")).toBeGreaterThan(0);
  clock.ms += 60_000;
  expect(guesses.waitMs("10.9.9.9")).toBe(0);
});

it("remembers ten thousand addresses at most", () => {
  const { guesses } = made();
  for (let n = 0; n < 50_000; n++) guesses.failed(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);

  expect(guesses.size).toBe(10_000);
});

describe("counts as one", () => {
  it.each([
    ["10.0.0.1", "10.0.0.1"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::1", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002::9", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["", ""],
  ])("%s as %s", (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});
