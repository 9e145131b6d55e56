import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { BUGS } from "./bugs.ts";
import type { Decision } from "./decisions.ts";
import { MUTATIONS } from "./mutations.ts";
import { simulate } from "./run.ts";

/** How long fresh seeds are tried, in seconds. */
const SECONDS = Number(process.env["SIMULATION_SECONDS"] ?? 120);

const root = resolve(import.meta.dirname, "../..");

interface Kept {
  found: string;
  seed: number;
  history: Decision[];
}

const kept = JSON.parse(readFileSync(resolve(import.meta.dirname, "seeds.json"), "utf8")) as Kept[];

/** The simulator as a person runs it. */
function sim(...args: readonly string[]): { status: number | null; text: string } {
  const main = resolve(import.meta.dirname, "main.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
  });
  return { status, text: stdout + stderr };
}

it("gives the same log for the same seed, byte for byte", async () => {
  const [first, second] = [
    await simulate({ seed: 7, steps: 600 }),
    await simulate({ seed: 7, steps: 600 }),
  ];

  expect(first.rows.length).toBeGreaterThan(50);
  expect(second.hash).toBe(first.hash);
  expect(sim("--seed", "7", "--steps", "600").text).toContain(first.hash.slice(0, 16));
});

it("gives the same log for the history of a run as for its seed", async () => {
  const made = await simulate({ seed: 11, steps: 400 });
  const again = await simulate({ seed: 11, history: made.decisions });

  expect(again.hash).toBe(made.hash);
});

it("gives another log for another seed", async () => {
  const [one, other] = [
    await simulate({ seed: 1, steps: 200 }),
    await simulate({ seed: 2, steps: 200 }),
  ];

  expect(one.hash).not.toBe(other.hash);
});

describe("a history that once found something", () => {
  it.each(kept.map(({ found, ...rest }) => [found, rest] as const))(
    "finds nothing any more: %s",
    async (_, { seed, history }) => {
      const { broken } = await simulate({ seed, history });

      expect(broken?.message).toBeUndefined();
    },
  );
});

it(
  `keeps every promise in ${SECONDS} seconds of fresh seeds`,
  () => {
    const { status, text } = sim("--seconds", `${SECONDS}`);

    expect(text).toContain("every promise was kept");
    expect(status).toBe(0);
  },
  1_000 * (SECONDS + 120),
);

describe("a mistake", () => {
  it.each(
    [...MUTATIONS, ...BUGS].flatMap(({ name, patches }) =>
      patches.map((one) => [name, one] as const),
    ),
  )("fits the source: %s", (_, { file, says }) => {
    expect(readFileSync(resolve(root, file), "utf8").split(says)).toHaveLength(2);
  });

  it.each(BUGS.map(({ name }) => name))("that was in the code is found again: %s", (name) => {
    expect(sim("--kept", "--mutation", name).text).toContain(`BROKEN: ${name}: `);
  });

  it.each([
    ["fsync left out", "I2"],
    ["effect before the commit", "I2"],
    ["jitter is drawn in the fold", "I3"],
    ["the next one is spawned before the last is gone", "I1"],
    ["the chain is not continued", "I14"],
  ])(
    "is found: %s",
    (name, promise) => {
      const args = ["--mutation", name, "--seed", "1", "--seconds", "60", "--shrink-seconds", "0"];

      expect(sim(...args).text).toContain(`runs: ${promise}`);
    },
    90_000,
  );

  it("is told with the command that repeats it and a short history", () => {
    const name = "who waited for a start that somebody else restarted waited for ever";
    const { status, text } = sim("--mutation", name, "--seed", "1", "--seconds", "60");
    const [, seed, steps] = /npm run sim -- --seed (\d+) --steps (\d+)/.exec(text) ?? [];
    const [, length] = /What was done \((\d+) steps\)/.exec(text) ?? [];

    expect(status).toBe(1);
    expect(Number(length)).toBeLessThan(20);
    expect(text).toContain("The last rows of its log");
    const again = ["--seed", `${seed}`, "--steps", `${steps}`, "--shrink-seconds", "0"];
    expect(sim("--mutation", name, ...again).text).toContain(`seed ${seed} fails`);
  }, 180_000);
});
