import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { serviceReads, type ServiceReads } from "../../src/commands/read-services.ts";
import { openWriter } from "../../src/journal/writer.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import { projectionHook, refold } from "../../src/projections/engine.ts";
import { projections } from "../../src/projections/index.ts";
import { allServices } from "../../src/projections/services.ts";
import { Fold } from "../../src/runtime/replay.ts";
import { groupOf } from "../offline/fixture.ts";
import { World } from "../support/world.ts";

let world: World;
let db: Db;
beforeEach(async () => {
  world = new World();
  await world.boot();
  await world.create("web");
  await world.create("app");
  await world.exits("web", { code: 1 });
  const stateDirectory = mkdtempSync(join(tmpdir(), "sprite-env-reads-"));
  const writer = openWriter({
    stateDirectory,
    hook: (opened) => {
      db = opened;
      refold(opened, projections, () => []);
      return projectionHook(opened, projections);
    },
  });
  onTestFinished(async () => {
    await writer.close();
    rmSync(stateDirectory, { recursive: true, force: true });
  });
  await writer.append([groupOf(world.rows)]);
});

const reads = (fold: Fold = new Fold()): ServiceReads => serviceReads(db, world.registry, fold);

const phases = ({ all }: ServiceReads): string[] =>
  all().map(({ name, phase }) => `${name} ${phase}`);

describe("answers about services", () => {
  it("come from the table while it follows the log", () => {
    db.exec("UPDATE services SET phase = 'failed' WHERE name = 'app'");

    expect(phases(reads())).toEqual(["app failed", "web crashed"]);
    expect(reads().byName("app")).toMatchObject({ phase: "failed" });
    expect(reads().byName("nope")).toBeUndefined();
  });

  it.each([
    ["is stale", "UPDATE projection_heads SET stale = 'a bug'"],
    ["is of another release", "UPDATE projection_heads SET version = 99"],
    ["is not there", "DELETE FROM projection_heads; DROP TABLE services"],
  ])("come from the actors while the table %s, and are the same", (_, sql) => {
    const before = allServices(db).map((row) => ({ ...row, seq: 0, at: 0 }));
    db.exec(sql);

    expect(JSON.parse(JSON.stringify(reads().all()))).toEqual(before);
    expect(reads().byName("web")).toMatchObject({ phase: "crashed" });
    expect(reads().byName("nope")).toBeUndefined();
  });

  it("come from the actors while the table holds rows that nobody knows to be stored", () => {
    db.exec("UPDATE services SET phase = 'failed' WHERE name = 'app'");
    const known = (lastSeq: number) =>
      serviceReads(db, world.registry, new Fold(), () => lastSeq).byName("app")?.phase;
    const end = world.rows.at(-1)?.seq ?? 0;

    expect([known(end), known(end - 1)]).toEqual(["failed", "running"]);
  });

  it("name what is quarantined, also from the actors", async () => {
    const event = { type: "stream.quarantined", stream: "service/web", reason: "a test" };
    await world.wish("environment/sprite", event);
    db.exec("UPDATE projection_heads SET stale = 'a bug'");

    expect(reads().byName("web")).toMatchObject({ phase: "crashed", quarantined: "a test" });
  });

  it("have a service whose stream got no actor, since its rows do not fit", async () => {
    const event = { type: "stream.quarantined", stream: "service/web", reason: "a test" };
    await world.wish("environment/sprite", event);
    const fold = new Fold();
    for (const row of world.rows)
      fold.add(row.type === "process.exited" ? { ...row, toState: "failed" } : row);
    world.registry.forget("service/web");
    db.exec("UPDATE projection_heads SET stale = 'a bug'");

    expect(phases(reads(fold))).toEqual(["app running", "web running"]);
    expect(reads(fold).byName("web")).toMatchObject({ quarantined: "a test" });
  });
});

describe("a table that says otherwise than the actors", () => {
  it("is found by the services in which the two differ", () => {
    expect(reads().wrong()).toEqual([]);

    db.exec(
      "UPDATE services SET context = json_set(context, '$.restartCount', 9) WHERE name = 'web'",
    );
    db.exec(
      "INSERT INTO services SELECT 'ghost', phase, context, seq, at, NULL FROM services LIMIT 1",
    );

    expect(reads().wrong()).toEqual(["ghost", "web"]);
  });

  it("is not looked at while it is stale", () => {
    db.exec("UPDATE services SET phase = 'failed'; UPDATE projection_heads SET stale = 'a bug'");

    expect(reads().wrong()).toEqual([]);
  });
});
