import { beforeEach, describe, expect, it } from "vitest";
import type { EventRow } from "../../src/journal/record.ts";
import { Fold, type Mismatch } from "../../src/runtime/replay.ts";
import { World } from "../support/world.ts";

let rows: EventRow[];
beforeEach(async () => {
  const world = new World();
  await world.boot();
  await world.create("web");
  await world.create("other");
  await world.exits("web", { code: 1 });
  await world.pass(1_000);
  await world.wish("service/web", { type: "service.stop_requested" });
  rows = world.rows;
});

function mismatches(changed: readonly EventRow[]): Mismatch[] {
  const fold = new Fold();
  for (const row of changed) fold.add(row);
  return [...fold.mismatches.values()];
}

const change = (type: string, patch: Partial<EventRow>): { seq: number; changed: EventRow[] } => {
  const row = rows.find((one) => one.stream === "service/web" && one.type === type);
  if (!row) throw new Error(`no ${type}`);
  return { seq: row.seq, changed: rows.map((one) => (one === row ? { ...one, ...patch } : one)) };
};

describe("a fold of the log", () => {
  it("agrees with what was recorded", () => {
    expect(mismatches(rows)).toEqual([]);
  });

  it.each([
    ["a changed from_state", "process.exited", { fromState: "starting" }],
    ["a changed to_state", "process.exited", { toState: "failed" }],
    ["a changed type", "process.exited", { type: "process.lost" }],
    ["a birth that is none", "service.created", { type: "service.changed" }],
    ["a machine version from the future", "process.exited", { schema: 99 }],
    ["a version that is left out", "process.exited", { version: 99 }],
  ])("names the row of %s", (_, type, patch) => {
    const { seq, changed } = change(type, patch);
    expect(mismatches(changed)[0]).toMatchObject({ seq, stream: "service/web" });
  });

  it("names the missing edge", () => {
    const { changed } = change("process.spawned", { type: "health.failed" });
    expect(mismatches(changed)[0]?.reason).toBe('no edge for it leaves "starting"');
  });

  it("leaves the other streams alone", () => {
    const { changed } = change("process.exited", { toState: "failed" });
    const fold = new Fold();
    for (const row of changed) fold.add(row);
    expect([...fold.mismatches.keys()]).toEqual(["service/web"]);
    expect(fold.streams.get("service/other")?.snapshot.value).toBe("running");
  });
});

describe("a boot on a log with a mismatch", () => {
  it("quarantines that service, starts nothing of it, and starts the others", async () => {
    const world = new World();
    await world.boot();
    await world.create("web");
    await world.create("other");
    const spawned = world.rows.find(
      ({ stream, type }) => stream === "service/web" && type === "process.spawned",
    );
    Object.assign(spawned ?? {}, { toState: "failed" });
    world.spawned.length = 0;
    await world.boot();
    expect(world.rows.at(-1)?.type).not.toBe("process.spawn_requested");
    expect(world.spawned).toEqual(["other"]);
    expect(world.dispatcher.view.quarantined("web")).toContain("other states are recorded");
  });
});
