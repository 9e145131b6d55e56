import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { machineBoot } from "../../src/effects/identity.ts";
import { createKit, fixture, type Kit, runs, until } from "../effects/runner-kit.ts";

let kit: Kit;
beforeAll(() => {
  kit = createKit();
});
afterAll(() => kit.close());

const types = (incarnation: string) => kit.facts(incarnation).map(({ type }) => type);

const freezer = "/sys/fs/cgroup/freezer";
const canFreeze = (() => {
  try {
    accessSync(freezer, constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();

it.skipIf(!canFreeze)(
  "says which process outlives KILL, and goes on until it is gone",
  async () => {
    const group = join(freezer, `sprite-env-test-${process.pid}`);
    const incarnation = kit.spawn({ cmd: fixture("forever") });
    const { pid } = await kit.fact(incarnation, "process.spawned");
    mkdirSync(group);
    writeFileSync(join(group, "cgroup.procs"), String(pid));
    writeFileSync(join(group, "freezer.state"), "FROZEN");
    const state = () => readFileSync(join(group, "freezer.state"), "utf8").trim();
    await until("the freeze", () => state() === "FROZEN");
    kit.stop(incarnation, 50);
    expect(await kit.fact(incarnation, "process.unkillable")).toMatchObject({ pid });
    expect(types(incarnation)).not.toContain("incarnation.emptied");
    writeFileSync(join(group, "freezer.state"), "THAWED");
    await kit.fact(incarnation, "incarnation.emptied");
    expect((await kit.fact(incarnation, "process.exited")).status).toEqual({ signal: "KILL" });
    await until("the group to be empty", () => readFileSync(join(group, "tasks"), "utf8") === "");
    rmdirSync(group);
  },
  20_000,
);

it("watches a process that nothing proves, signals nothing, and says when it is gone", async () => {
  const bystander = spawn("sleep", ["1000"]);
  await once(bystander, "spawn");
  const pid = bystander.pid ?? 0;
  const asked = { stream: "service/web", incarnation: "in_unproven", pid };
  const open = { ...asked, startTime: "", exited: false, machineBoot: machineBoot() };
  await kit.runner.look([open]);
  kit.runner.watch(asked);
  kit.runner.watch(asked);
  expect(runs(pid)).toBe(true);
  expect(types("in_unproven")).toEqual([]);
  bystander.kill("SIGKILL");
  await kit.fact("in_unproven", "incarnation.emptied");
  expect(types("in_unproven").filter((type) => type !== "output.ended")).toEqual([
    "incarnation.emptied",
  ]);
});
