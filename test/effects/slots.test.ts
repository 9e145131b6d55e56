import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { createLogger } from "../../src/base/logger.ts";
import { createSlots } from "../../src/effects/slots.ts";
import { until } from "./runner-kit.ts";

const silent = createLogger({ level: "silent", json: true });

it("runs no more jobs at once than it may, each in its turn", async () => {
  const slots = createSlots(2, silent);
  const started: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const jobs = gates.map(({ promise }, index) =>
    slots.run(`job ${index}`, () => {
      started.push(index);
      return promise;
    }),
  );
  await setImmediate();
  expect(started).toEqual([0, 1]);
  gates[1]?.resolve();
  await setImmediate();
  expect(started).toEqual([0, 1, 2]);
  for (const { resolve } of gates) resolve();
  await Promise.all(jobs);
  expect(started).toEqual([0, 1, 2, 3, 4]);
});

it("gives the slot of a job that failed to the next", async () => {
  const slots = createSlots(1, silent);
  const failed = slots.run("bad", () => Promise.reject(new Error("no")));
  const next = slots.run("good", async () => "done");
  await expect(failed).rejects.toThrow("no");
  expect(await next).toBe("done");
});

it("names what the others wait for", async () => {
  const lines: string[] = [];
  const out = { write: (line: string) => void lines.push(line) };
  const slots = createSlots(1, createLogger({ level: "warn", json: true, out }));
  const { promise, resolve } = Promise.withResolvers<void>();
  const hangs = slots.run("/mnt/dead/server", () => promise);
  const waits = slots.run("/bin/true", async () => {});
  const line = await until("a warning", () => lines[0]);
  expect(JSON.parse(line)).toMatchObject({ waiting: 1, names: ["/mnt/dead/server"] });
  resolve();
  await Promise.all([hangs, waits]);
});
