import { beforeEach, describe, expect, it } from "vitest";
import { openWriter } from "../../src/journal/writer.ts";
import { bootStory } from "../../src/offline/boot-story.ts";
import { bootsOf, bootEndInWords } from "../../src/offline/boots.ts";
import { changesBetween } from "../../src/offline/changes.ts";
import { repairProjections } from "../../src/offline/repair.ts";
import { stateJson, stateThen } from "../../src/offline/state.ts";
import type { Store } from "../../src/offline/store.ts";
import { toldVersions } from "../../src/offline/versions.ts";
import { projectionHook, refold } from "../../src/projections/engine.ts";
import { projections } from "../../src/projections/index.ts";
import { retentionPorts } from "../../src/runtime/retained.ts";
import { World } from "../support/world.ts";
import { ask } from "./asking.ts";
import { groupOf, opened, powerCut, shutDown, temporaryDirectory } from "./fixture.ts";
import { tamper } from "./forger.ts";

let world: World;
let stateDirectory: string;
let store: Store;
/** The last row that is gone. */
let cut: number;

/** Two boots, of which retention has taken the first and all of what happened in it but its wishes; `resting` did nothing since. */
beforeEach(async () => {
  world = new World();
  await world.boot();
  await world.create("old");
  await world.wish("service/old", { type: "service.delete_requested" });
  await world.create("resting", { args: ["1"] });
  await world.wish("service/resting", { type: "service.stop_requested" });
  await world.create("web", { args: ["1"] });
  await world.wish("service/web", {
    type: "service.changed",
    definition: { cmd: "web", args: ["2"] },
    version: 2,
    start: true,
  });
  await world.pass(60_000);
  await shutDown(world);
  await world.boot();
  await world.pass(3_600_000);
  const border = world.rows.at(-1);
  await world.pass(3_600_000);
  await world.exits("web", { code: 1 });
  await world.pass(40_000);
  await powerCut(world);
  stateDirectory = temporaryDirectory();
  const writer = openWriter({
    stateDirectory,
    retention: retentionPorts,
    hook: (db) => {
      refold(db, projections, () => []);
      return projectionHook(db, projections);
    },
  });
  await writer.append([groupOf(world.rows)]);
  const now = world.clock.now();
  const request = { ageMs: now - (border?.at ?? 0), bytes: Infinity, now, wall: now };
  while ((await writer.retain(request)).more);
  await writer.close();
  store = opened(stateDirectory);
  cut = store.reader.firstSeq() - 1;
  expect(cut).toBe(border?.seq);
});

const NOW = 1e12;

const states = (at: string) =>
  stateJson(stateThen(store, { at, now: NOW })).map(({ name, state }) => `${name} ${state.phase}`);

describe("after retention", () => {
  it("the state at the cut and after it has those that did nothing since, too", () => {
    expect(states(String(cut))).toEqual(["resting stopped", "web running"]);
    expect(states("now")).toEqual(["resting stopped", "web running"]);
    const [resting] = stateJson(
      stateThen(store, { service: "resting", at: String(cut), now: NOW }),
    );
    expect(resting).toMatchObject({ args: ["1"], state: { desired: "stopped", version: 1 } });
    expect(resting?.last_event).toBeUndefined();
  });

  it.each([
    ["a row", () => String(cut - 1), () => `event ${cut - 1}`],
    ["an event", () => world.rows[2]?.id ?? "", () => "event 3"],
    ["a time", () => new Date(world.rows[3]?.wall ?? 0).toISOString(), () => "1970-01-01T"],
  ])("the state at %s before the cut is gone, and says what is left", (_, at, what) => {
    expect(() => states(at())).toThrow(
      expect.objectContaining({
        code: "events_gone",
        message: expect.stringMatching(
          new RegExp(
            `^${what()}.* is before what retention has kept: the first event that is left is ${cut + 1} \\(`,
          ),
        ),
        details: { first: cut + 1 },
      }),
    );
  });

  it("a difference can begin at the cut, and not before", () => {
    const changes = changesBetween(store, { from: String(cut), now: NOW });

    expect(changes.services.map(({ name, crashes }) => [name, crashes])).toEqual(
      [
        ["resting", 0],
        ["web", 1],
      ].slice(1),
    );
    expect(() => changesBetween(store, { from: "1", now: NOW })).toThrow(
      expect.objectContaining({ code: "events_gone" }),
    );
  });

  it("every version of a definition is known still", () => {
    const versions = (name: string) =>
      toldVersions(store, name).map(({ version, isCurrent }) => [version, isCurrent]);

    expect(versions("web")).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(versions("resting")).toEqual([[1, true]]);
    expect(versions("old")).toEqual([[1, false]]);
  });

  it("boots are known still, and told where their beginning is left", () => {
    const boots = bootsOf(store.reader);

    expect(boots.map((boot) => [boot.number, boot.id, bootEndInWords(boot, true)])).toEqual([
      [1, "bt_1", "shut down"],
      [2, "bt_2", "killed"],
      [3, "bt_3", "runs"],
    ]);
    expect(() => bootStory(store.reader, "1")).toThrow(
      expect.objectContaining({ code: "events_gone" }),
    );
    expect(bootStory(store.reader, "3").services).toMatchObject([
      { name: "web", decision: "start" },
      { name: "resting", decision: "leave" },
    ]);
  });

  it("who stopped a service is told from the archive, and said to be gone where it is gone from there", () => {
    const whyOf = () => bootStory(store.reader, "0").services.at(-1)?.why;
    const stop = world.rows.find(({ type }) => type === "service.stop_requested");
    const time = new Date(stop?.wall ?? 0).toISOString();

    expect(whyOf()).toEqual([
      `it should be stopped: uid 0 asked to stop resting (event ${stop?.seq}, ${time})`,
    ]);
    tamper(stateDirectory, "DELETE FROM archived_commands");
    expect(whyOf()).toEqual([
      "it should be stopped; who asked for that is before what retention has kept",
    ]);
  });

  it("a read model that is made anew has those that did nothing since", async () => {
    tamper(stateDirectory, "DELETE FROM services WHERE name = 'resting'");

    expect(await repairProjections(store, { release: "0.0.0" })).toEqual({
      found: { outcome: "differs", names: ["resting"] },
      repaired: true,
    });
  });

  it("the verbs exit 3 with that sentence", async () => {
    const ran = await ask(stateDirectory, "state", "--all", "--at", "1");

    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain(`event 1 is before what retention has kept`);
  });
});
