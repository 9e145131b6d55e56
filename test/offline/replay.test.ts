import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { checkReplay, foldedServices, type ReplayCheck } from "../../src/offline/replay.ts";
import { ENVIRONMENT } from "../../src/runtime/group.ts";
import type { World } from "../support/world.ts";
import {
  bootedWorld,
  diskLog,
  groupOf,
  opened,
  powerCut,
  temporaryDirectory,
  writeLog,
} from "./fixture.ts";
import { forgeWell, tamper } from "./forger.ts";

/** The row that is tampered with: the exit of `web`. */
const VICTIM = 7;

let world: World;
let stateDirectory: string;
beforeEach(async () => {
  world = await bootedWorld();
  await world.create("web");
  await world.exits("web", { code: 1 });
  await world.pass(200);
  await world.create("app");
  expect(world.rows[VICTIM - 1]?.type).toBe("process.exited");
  stateDirectory = await diskLog(world.rows);
});

const checked = (): ReplayCheck => checkReplay(opened(stateDirectory));

describe("replay --check", () => {
  it("finds a log as it was written right, and the table of services with it", () => {
    expect(checked()).toEqual({
      ok: true,
      events: world.rows.length,
      streams: 3,
      mismatches: [],
      sameBytes: true,
      projection: { outcome: "equal" },
    });
  });

  it.each([
    ["from_state", "'starting'", "starting", "crashed"],
    ["to_state", "'failed'", "running", "failed"],
  ])("names a row whose %s was changed under a chain that holds", (column, value, from, to) => {
    forgeWell(stateDirectory, VICTIM, `${column} = ${value}`);

    const { ok, mismatches } = checked();

    expect(ok).toBe(false);
    expect(mismatches).toEqual([
      {
        seq: VICTIM,
        stream: "service/web",
        type: "process.exited",
        recorded: { from, to },
        folded: { from: "running", to: "crashed" },
        reason: "other states are recorded",
      },
    ]);
  });

  it("names a row whose type was changed to one that no edge takes", () => {
    forgeWell(stateDirectory, VICTIM, "type = 'process.spawn_failed'");

    expect(checked().mismatches).toEqual([
      expect.objectContaining({
        seq: VICTIM,
        folded: { from: "running", to: null },
        reason: 'no edge for it leaves "running"',
      }),
    ]);
  });

  it("names a row whose type is of no event", () => {
    forgeWell(stateDirectory, VICTIM, "type = 'process.sung'");

    expect(checked().mismatches[0]).toMatchObject({ seq: VICTIM, type: "process.sung" });
  });

  it("names the first row of each stream that does not fit, in the order of the log", () => {
    const app = world.rows.find(({ stream }) => stream === "service/app")?.seq ?? 0;
    forgeWell(stateDirectory, app, "to_state = 'running'");
    forgeWell(stateDirectory, VICTIM, "to_state = 'failed'");

    expect(checked().mismatches.map(({ seq, stream }) => [seq, stream])).toEqual([
      [VICTIM, "service/web"],
      [app, "service/app"],
    ]);
  });

  it("names a service whose table says otherwise", () => {
    tamper(stateDirectory, "UPDATE services SET phase = 'failed' WHERE name = 'app'");

    expect(checked()).toMatchObject({
      ok: false,
      mismatches: [],
      projection: { outcome: "differs", names: ["app"] },
    });
  });

  it.each([
    ["context = json_set(context, '$.restartCount', 7)", ["app"]],
    ["seq = seq - 1", ["app"]],
    ["name = 'apq'", ["app", "apq"]],
  ])("finds a table in which %s", (change, names) => {
    tamper(stateDirectory, `UPDATE services SET ${change} WHERE name = 'app'`);

    expect(checked().projection).toEqual({ outcome: "differs", names });
  });

  it("does not judge a table that says itself that it does not follow", () => {
    tamper(stateDirectory, "UPDATE projection_heads SET stale = 'a handler threw', seq = 8");
    tamper(stateDirectory, "DELETE FROM services");

    expect(checked()).toMatchObject({
      ok: true,
      projection: { outcome: "unknown", reason: "it stopped at event 8: a handler threw" },
    });
  });

  it("takes a row of which the data is no JSON for altered", () => {
    tamper(stateDirectory, `UPDATE events SET data = '{' WHERE seq = ${VICTIM}`);

    expect(() => checked()).toThrow("a row was altered and its data is no JSON any more");
  });

  it("holds for services that were deleted, given up, lost, and begun anew", async () => {
    await world.wish("service/app", { type: "service.delete_requested" });
    await world.create("app");
    await powerCut(world);
    const last = world.rows.findLast(({ stream }) => stream === "service/web");
    const { version = 0 } = last ?? {};
    const reason = "a test";
    await world.wish(ENVIRONMENT, { type: "stream.quarantined", stream: "service/web", reason });
    await world.wish(ENVIRONMENT, { type: "stream.retired", stream: "service/web", version });

    expect(checkReplay(opened(await diskLog(world.rows)))).toMatchObject({
      ok: true,
      projection: { outcome: "equal" },
    });
  });

  it("folds what a daemon adds meanwhile before it looks at the table", async () => {
    const directory = temporaryDirectory();
    const writer = await writeLog(directory, world.rows);
    onTestFinished(() => writer.close());
    const store = opened(directory);
    const before = world.rows.length;
    await world.exits("web", { code: 1 });
    let appended = false;
    const { reader } = store;
    const growing = {
      ...store,
      reader: {
        ...reader,
        *all(seq?: number) {
          yield* reader.all(seq);
          if (!appended) void writer.append([groupOf(world.rows, before)]);
          appended = true;
        },
      },
    };

    const check = checkReplay(growing);

    expect(appended).toBe(true);
    expect(reader.head().seq).toBe(world.rows.length);
    expect(check).toMatchObject({ ok: true, projection: { outcome: "equal" } });
  });
});

describe("replay", () => {
  it("shows what each service is by its events alone", () => {
    const { services, mismatches } = foldedServices(opened(stateDirectory));

    expect(mismatches).toBe(0);
    expect(services).toEqual([
      expect.objectContaining({ name: "app", phase: "running", desired: "running", version: 1 }),
      expect.objectContaining({
        name: "web",
        phase: "running",
        restartCount: 1,
        lastExit: "exited with code 1",
        seq: world.rows.findLast(({ stream }) => stream === "service/web")?.seq,
      }),
    ]);
  });

  it("shows a service with a row that does not fit as it was before, and says so", () => {
    forgeWell(stateDirectory, VICTIM, "to_state = 'failed'");

    const { services, mismatches } = foldedServices(opened(stateDirectory));

    expect(mismatches).toBe(1);
    expect(services[1]).toMatchObject({
      name: "web",
      phase: "running",
      quarantined: "event 7: other states are recorded",
      seq: VICTIM,
    });
  });
});
