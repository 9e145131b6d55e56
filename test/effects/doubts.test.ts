import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createDoubts, type Doubts } from "../../src/effects/doubts.ts";

let told: string[];
let doubts: Doubts;
beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  doubts = createDoubts((reason) => void told.push(reason));
});
afterEach(() => void vi.useRealTimers());

it("tells the latest reason once it has lasted for two seconds, and not before", () => {
  doubts.say("refused");
  doubts.say("503");
  vi.advanceTimersByTime(1_999);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(["503"]);
});

it("tells nothing where nobody said anything, until somebody does", () => {
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([]);
  doubts.say("refused");
  expect(told).toEqual(["refused"]);
});

it("tells a reason again only after another one", () => {
  vi.advanceTimersByTime(2_000);
  for (const reason of ["a", "a", "b", "b", "a"]) doubts.say(reason);
  expect(told).toEqual(["a", "b", "a"]);
});

it("tells ten at most", () => {
  vi.advanceTimersByTime(2_000);
  for (let count = 0; count < 1_000; count++) doubts.say(`reason ${count}`);
  expect(told).toHaveLength(10);
});

it("tells nothing any more once it ended, before and after it began to tell", () => {
  doubts.say("refused");
  doubts.end();
  vi.advanceTimersByTime(5_000);
  doubts.say("503");
  expect(told).toEqual([]);
});
