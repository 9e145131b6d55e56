import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { World } from "../support/world.ts";

let world: World;
beforeEach(async () => {
  world = new World();
  await world.boot();
});
afterEach(() => {
  world.assertFoldIsLive();
  expect(world.errors).toEqual([]);
});

describe("a service", () => {
  it("is created, spawned and running, in one group and one more", async () => {
    await world.create("web");
    expect(world.phase("web")).toBe("running");
    expect(world.history("service/web")).toEqual([
      "service.created pending",
      "process.spawn_requested starting",
      "process.spawned running",
    ]);
  });

  it("is tried again after its delay when it crashes", async () => {
    await world.create("web");
    await world.exits("web", { code: 3 });
    expect(world.phase("web")).toBe("crashed");
    expect(world.alive("web")).toBe(0);
    await world.pass(200);
    expect(world.phase("web")).toBe("running");
    expect(world.alive("web")).toBe(1);
    expect(world.dispatcher.view.service("web")?.context.restartCount).toBe(1);
  });

  it("comes back in one group where its backoff has no delay", async () => {
    await world.create("web", { backoff: { firstMs: 0 } });
    await world.exits("web", { code: 3 });
    expect(world.phase("web")).toBe("running");
    const first = world.rows.findIndex(({ type }) => type === "process.exited");
    const [exited, emptied, asked] = world.rows.slice(first);
    expect([exited?.type, emptied?.type, asked?.type]).toEqual([
      "process.exited",
      "incarnation.emptied",
      "process.spawn_requested",
    ]);
    expect([emptied?.cause, asked?.cause]).toEqual([exited?.id, emptied?.id]);
  });

  it("stays stopped over a cold boot", async () => {
    await world.create("web");
    await world.wish("service/web", { type: "service.stop_requested" });
    expect(world.phase("web")).toBe("stopped");
    await world.boot();
    expect(world.phase("web")).toBe("stopped");
    expect(world.alive("web")).toBe(0);
  });

  it("is fenced and started again after its daemon was killed", async () => {
    await world.create("web");
    await world.boot();
    expect(world.phase("web")).toBe("running");
    expect(world.alive("web")).toBe(1);
    expect(world.spawned).toEqual(["web", "web"]);
  });

  it("whose process is gone at a boot is lost without a failure", async () => {
    await world.create("web");
    for (const process of world.processes.values()) process.alive = false;
    await world.boot();
    expect(world.phase("web")).toBe("running");
    expect(world.history("service/web")).toContain("process.lost restarting");
    expect(world.dispatcher.view.service("web")?.context.restartCount).toBe(0);
  });
});

describe("needs", () => {
  it("start first, and a boot keeps the order", async () => {
    await world.create("postgres");
    await world.create("app", { needs: ["postgres"] });
    for (const process of world.processes.values()) process.alive = false;
    world.spawned.length = 0;
    world.machineBoot = "kernel-2";
    await world.boot();
    expect(world.spawned).toEqual(["postgres", "app"]);
    expect(world.phase("app")).toBe("running");
  });

  it("that are stopped are started by a start of what needs them", async () => {
    await world.create("postgres");
    await world.create("app", { needs: ["postgres"] });
    await world.wish("service/app", { type: "service.stop_requested" });
    await world.wish("service/postgres", { type: "service.stop_requested" });
    const rows = await world.wish("service/app", { type: "service.start_requested" });
    expect(world.phase("postgres")).toBe("running");
    expect(world.phase("app")).toBe("running");
    const [wish, follows] = rows;
    expect([follows?.stream, follows?.cause]).toEqual(["service/postgres", wish?.id]);
  });

  it("ask for at most 64 spawns at once", async () => {
    for (let index = 0; index < 100; index += 1) {
      await world.create(`s${index}`);
    }
    for (const process of world.processes.values()) process.alive = false;
    world.spawned.length = 0;
    await world.boot();
    const { most } = world.rows
      .filter((row) => row.bootId === "bt_2")
      .reduce(
        (state, row) => {
          const now =
            state.now +
            (row.type === "process.spawn_requested" ? 1 : row.type === "process.spawned" ? -1 : 0);
          return { now, most: Math.max(state.most, now) };
        },
        { now: 0, most: 0 },
      );
    expect(most).toBe(64);
    expect(world.spawned).toHaveLength(100);
  });
});
