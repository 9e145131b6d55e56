import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { acquireLock } from "../../src/journal/lock.ts";
import { repairProjections } from "../../src/offline/repair.ts";
import { readStat } from "../../src/posix/proc.ts";
import { allServices } from "../../src/projections/services.ts";
import type { World } from "../support/world.ts";
import { ask, json, show } from "./asking.ts";
import { bootedWorld, diskLog, opened } from "./fixture.ts";
import { forge, tamper } from "./forger.ts";

let world: World;
let stateDirectory: string;
beforeEach(async () => {
  world = await bootedWorld();
  await world.create("web");
  await world.exits("web", { code: 3 });
  await world.pass(200);
  await world.create("app");
  stateDirectory = await diskLog(world.rows);
});

const repair = () => repairProjections(opened(stateDirectory), { release: "0.0.0" });

const phases = (): string[] =>
  allServices(opened(stateDirectory).db).map(({ name, phase }) => `${name} ${phase}`);

describe("a repair of the read models without a daemon", () => {
  it("leaves one alone that says what the log says", async () => {
    expect(await repair()).toEqual({ found: { outcome: "equal" }, repaired: false });
  });

  it.each([
    ["a phase", "UPDATE services SET phase = 'failed' WHERE name = 'app'", ["app"]],
    [
      "a context",
      "UPDATE services SET context = json_set(context, '$.restartCount', 7)",
      ["app", "web"],
    ],
    ["a service that is missing", "DELETE FROM services WHERE name = 'web'", ["web"]],
    [
      "a service that never was",
      "INSERT INTO services SELECT 'ghost', phase, context, seq, at, NULL FROM services LIMIT 1",
      ["ghost"],
    ],
  ])("mends %s", async (_, sql, names) => {
    tamper(stateDirectory, sql);

    expect(await repair()).toEqual({ found: { outcome: "differs", names }, repaired: true });
    expect(phases()).toEqual(["app running", "web running"]);
    expect(await repair()).toMatchObject({ repaired: false });
  });

  it.each([
    [
      "one that says itself that it is stale",
      "UPDATE projection_heads SET stale = 'a handler threw'",
    ],
    [
      "one of another release",
      "UPDATE projection_heads SET version = 99; ALTER TABLE services ADD COLUMN odd TEXT",
    ],
    ["one that was never made", "DELETE FROM projection_heads; DROP TABLE services"],
  ])("makes anew %s", async (_, sql) => {
    tamper(stateDirectory, sql);

    expect(await repair()).toMatchObject({ found: { outcome: "unknown" }, repaired: true });
    expect(phases()).toEqual(["app running", "web running"]);
  });

  it("does nothing while somebody else has the state directory", async () => {
    tamper(stateDirectory, "UPDATE services SET phase = 'failed'");
    const startTime = readStat(process.pid)?.startTime ?? "";
    const owner = { pid: process.pid, startTime, socket: "/s", version: "1", since: Date.now() };
    const lock = await acquireLock(stateDirectory, owner);
    onTestFinished(() => lock.release());

    await expect(repair()).rejects.toMatchObject({ code: "daemon_running" });
    expect(phases()).toEqual(["app failed", "web failed"]);
  });
});

describe("audit verify --repair-projections", () => {
  const verify = (...words: string[]) => ask(stateDirectory, "audit", "verify", ...words);

  it("says in JSON what it found and did", async () => {
    tamper(stateDirectory, "UPDATE services SET phase = 'failed' WHERE name = 'app'");

    const first = await verify("--repair-projections");
    const second = await verify("--repair-projections");

    expect(first.code).toBe(0);
    expect(json(first.stdout)).toMatchObject({
      ok: true,
      projections: [
        { name: "services", found: { outcome: "differs", names: ["app"] }, repaired: true },
      ],
    });
    expect(json(second.stdout)).toMatchObject({
      projections: [{ name: "services", found: { outcome: "equal" }, repaired: false }],
    });
  });

  it("says it in sentences on a terminal", async () => {
    tamper(stateDirectory, "UPDATE services SET phase = 'failed' WHERE name = 'app'");
    const words = ["audit", "verify", "--repair-projections"];

    expect((await show(stateDirectory, ...words)).stdout).toContain(
      "The table of services was wrong about app: it was made anew, and is right now.",
    );
    expect((await show(stateDirectory, ...words)).stdout).toContain(
      "The table of services says what the log says.",
    );
  });

  it("changes nothing without being told to", async () => {
    tamper(stateDirectory, "UPDATE services SET phase = 'failed' WHERE name = 'app'");

    expect((await verify()).code).toBe(0);
    expect(phases()).toEqual(["app failed", "web running"]);
  });

  it("makes nothing of a log that was altered", async () => {
    tamper(stateDirectory, "UPDATE services SET phase = 'failed' WHERE name = 'app'");
    forge(stateDirectory, 7, "actor = 'uid:9'");

    const { code, stderr } = await verify("--repair-projections");

    expect(code).toBe(1);
    expect(stderr).toContain("row 7 was altered");
    expect(phases()).toEqual(["app failed", "web running"]);
  });
});
