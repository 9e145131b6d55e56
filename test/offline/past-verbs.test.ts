import { beforeAll, describe, expect, it } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { openWriter } from "../../src/journal/writer.ts";
import { projectionHook, refold } from "../../src/projections/engine.ts";
import { projections } from "../../src/projections/index.ts";
import { World } from "../support/world.ts";
import { ask, json, show } from "./asking.ts";
import { groupOf, shutDown } from "./fixture.ts";

/** One log for all of them: a service that crashed, was changed and was stopped, one that needs it, and a second boot. */
let stateDirectory: string;
let world: World;
/** Before `web` was stopped. */
let running: number;

beforeAll(async () => {
  world = new World();
  await world.boot();
  await world.create("db", { env: { PASSWORD: "sv_1" } });
  await world.create("web", { needs: ["db"], args: ["1"] });
  await world.exits("web", { code: 3 });
  await world.pass(200);
  await world.wish("service/web", {
    type: "service.changed",
    definition: { cmd: "web", needs: ["db"], args: ["2"] },
    version: 2,
    start: true,
  });
  running = world.rows.length;
  await world.wish("service/web", { type: "service.stop_requested" });
  await world.pass(60_000);
  await shutDown(world);
  await world.boot();
  stateDirectory = mkdtempSync(join(tmpdir(), "sprite-env-verbs-"));
  const writer = openWriter({
    stateDirectory,
    hook: (db) => {
      refold(db, projections, () => []);
      return projectionHook(db, projections);
    },
  });
  await writer.append([groupOf(world.rows)]);
  await writer.close();
});
afterAll(() => rmSync(stateDirectory, { recursive: true, force: true }));

/** What a verb prints on a terminal, without the line that says that no daemon answers. */
const shown = async (...words: string[]): Promise<string[]> => {
  const { stdout } = await show(stateDirectory, ...words);
  return stdout.trimEnd().split("\r\n").slice(1);
};

const printed = async (...words: string[]): Promise<unknown> => {
  const { code, stdout, stderr } = await ask(stateDirectory, ...words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return json(stdout);
};

const TIME = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`;

describe("state", () => {
  it("prints one service as an object and all as a list when piped", async () => {
    expect(await printed("state", "web", "--at", String(running))).toMatchObject({
      name: "web",
      state: { phase: "running", version: 2 },
      as_of: { seq: running },
    });
    expect(await printed("state", "--all", "--at", String(running))).toMatchObject([
      { name: "db", env_names: ["PASSWORD"] },
      { name: "web" },
    ]);
  });

  it("is a page of facts on a terminal", async () => {
    const lines = await shown("state", "web", "--at", String(running));

    expect(lines[0]).toMatch(new RegExp(`^web was running after event ${running}, ${TIME}$`));
    expect(lines.slice(1).map((line) => line.slice(2, 12).trim())).toEqual([
      "desired",
      "process",
      "restarts",
      "last exit",
      "definition",
      "needs",
      "last event",
    ]);
    expect(lines).toContainEqual("  definition  version 2: web 2");
  });

  it("is a table of all on a terminal, with what happened to the daemon", async () => {
    const down = world.rows.findLast(({ type }) => type === "environment.drained")?.seq ?? 0;
    const lines = await shown("state", "--all", "--at", String(down));

    expect(lines[0]).toMatch(new RegExp(`^After event ${down}, ${TIME}, while no daemon ran:$`));
    expect(lines[1]).toMatch(/^name +state/);
    expect(lines.slice(2).map((line) => line.split(/ +/).slice(0, 2))).toEqual([
      ["db", "stopped"],
      ["web", "stopped"],
    ]);
    expect(await shown("state", "--all", "--at", "1")).toContain("There were no services.");
  });
});

describe("diff", () => {
  it("prints sentences on a terminal, never a value", async () => {
    const text = (await shown("diff", "--from", "3", "--to", String(running))).join("\n");

    expect(text).toMatch(
      new RegExp(`^From event 3, ${TIME}, to event ${running}, ${TIME}:\n\\+ db is new: running`),
    );
    expect(text).toContain("    started 3 times, failed once");
    expect(text).toContain("    uid 0 changed the definition of web to version 2");
    expect(text).not.toContain("sv_1");
  });

  it("tells what changed of one that was there before", async () => {
    const lines = await shown("diff", "--from", String(running), "web");

    expect(lines).toContain("~ web");
    expect(lines).toContain("    state: running → stopped");
    expect(lines).toContain("    desired: running → stopped");
    expect(lines.some((line) => line.startsWith("    uid 0 asked to stop web event "))).toBe(true);
  });

  it("says that nothing changed", async () => {
    const at = String(running);

    expect(await shown("diff", "--from", at, "--to", at)).toContain("  nothing changed");
    expect(await printed("diff", "--from", at, "--to", at)).toMatchObject({
      services: [],
      unchanged: ["db", "web"],
    });
  });
});

describe("boot", () => {
  it("lists boots with what became of each", async () => {
    const lines = await shown("boot", "list");

    expect(lines[0]).toMatch(/^boot +id +began +release +pid +machine +ready +lasted +ended$/);
    expect(lines[1]).toMatch(/^1 +bt_1 .* shut down by SIGTERM$/);
    expect(lines[2]).toMatch(/^2 +bt_2 .* the same .* no daemon answers/);
    expect(await printed("boot", "list")).toMatchObject([
      { boot: 1, end: { kind: "shut down", reason: "SIGTERM", left: [] } },
      { boot: 2, new_machine_boot: false, end: { kind: "open" } },
    ]);
  });

  it("shows a boot as a table, and explains it in sentences", async () => {
    const table = (await shown("boot", "show")).join("\n");
    const sentences = (await shown("boot", "--explain")).join("\n");

    expect(table).toMatch(/^Boot 2 bt_2 began at .*\n {2}release 0.0.0, pid 1; ready after 0s;/);
    expect(table).toMatch(/\ndb +stopped +start /);
    expect(table).toMatch(
      /\nweb +stopped +leave down .*it should be stopped: uid 0 asked to stop web/,
    );
    expect(table).toContain("\ndb @0s +0s");
    expect(sentences).toContain(
      "db was started\n  it should run: the shutdown before had stopped it\n  its process was asked for as the boot began",
    );
    expect(sentences).toMatch(
      /web was left down\n {2}it should be stopped: uid 0 asked to stop web \(event \d+/,
    );
  });

  it("takes a boot by its number, back from the newest, and by its id", async () => {
    for (const name of ["1", "-1", "bt_1"])
      expect(await printed("boot", "show", name)).toMatchObject({ boot: 1, services: [] });
    expect(await printed("boot", "--explain", "-1")).toMatchObject({ boot: 1 });
  });

  it("compares two", async () => {
    expect(await printed("boot", "diff")).toMatchObject({
      from: { boot: 1, id: "bt_1" },
      to: { boot: 2 },
      differences: [
        { fact: "service", service: "db", after: { decision: "start", result: "up" } },
        { fact: "service", service: "web", after: { decision: "leave", result: "none" } },
      ],
    });
    expect(await shown("boot", "diff")).toContain("  web: not there → left down (version 2)");
  });
});

describe("services versions and diff", () => {
  it("are a table and sentences on a terminal", async () => {
    const versions = await shown("services", "versions", "web");

    expect(versions[1]).toMatch(new RegExp(`^1 +${TIME}  uid:0  created: web 1$`));
    expect(versions[2]).toMatch(new RegExp(`^2 +${TIME}  uid:0  args: 1 → 2$`));
    expect(await shown("services", "diff", "web")).toContain("  args: 1 → 2");
  });
});

describe("events", () => {
  it("says that what is asked for is yet to come, instead of nothing", async () => {
    const { code, stderr } = await ask(stateDirectory, "events", "--from", "9999");

    expect(code).toBe(2);
    expect(stderr).toContain(`the log ends at event ${world.rows.length}: --follow waits`);
  });
});
