import { describe, expect, it } from "vitest";
import { Sprite } from "./sprite.ts";

describe("a cold boot", () => {
  it("records what was lost and starts it, in one group", () => {
    const sprite = new Sprite();
    sprite.up({ web: {} });
    const rows = sprite.boot({}, true).filter(({ name }) => name === "web");

    expect(rows.map(({ type, from, to }) => `${type}: ${from} → ${to}`)).toEqual([
      "environment.booted: running → restarting",
      "process.lost: restarting → restarting",
      "incarnation.emptied: restarting → pending",
      "process.spawn_requested: pending → starting",
    ]);
  });

  it("starts in the order of needs, independent arms together", () => {
    const sprite = new Sprite();
    sprite.up({ db: {}, cache: {}, app: { needs: ["db"] }, web: { needs: ["app", "cache"] } });
    sprite.boot({}, true);

    expect(sprite.phases()).toEqual({
      app: "pending",
      cache: "starting",
      db: "starting",
      web: "pending",
    });
    sprite.spawned("db");
    expect(sprite.phase("app")).toBe("starting");
    sprite.spawned("app");
    expect(sprite.phase("web")).toBe("pending");
    sprite.spawned("cache");
    expect(sprite.phase("web")).toBe("starting");
  });

  it("does not take a need's old process for one that runs", () => {
    const sprite = new Sprite();
    sprite.up({ zdb: {}, app: { needs: ["zdb"] } });
    sprite.boot({}, true);

    expect(sprite.phases()).toEqual({ app: "pending", zdb: "starting" });
  });

  it("leaves stopped what a person stopped, and failed what failed in this machine boot", () => {
    const sprite = new Sprite();
    sprite.up({ web: {}, job: { restart: "never" } });
    sprite.stop("web");
    sprite.down("job", 1);
    sprite.boot();

    expect(sprite.phases()).toEqual({ job: "failed", web: "stopped" });
  });

  it("runs a oneshot that succeeded again only on a new machine boot, and its dependents after it", () => {
    const sprite = new Sprite();
    sprite.up({ migrate: { oneshot: true }, app: { needs: ["migrate"] } });
    sprite.down("migrate", 0);
    sprite.spawned("app");
    sprite.boot();
    expect(sprite.phases()).toEqual({ app: "starting", migrate: "stopped" });
    sprite.boot({}, true);
    expect(sprite.phases()).toEqual({ app: "pending", migrate: "starting" });
  });

  it("starts a crashed service at once", () => {
    const sprite = new Sprite();
    sprite.up({ web: {} });
    sprite.down("web", 1);
    sprite.boot({}, true);

    expect(sprite.phase("web")).toBe("starting");
    expect(sprite.context("web").restartCount).toBe(1);
  });

  it("starts one whose spawn was in flight", () => {
    const sprite = new Sprite();
    sprite.create("web");
    const before = sprite.context("web").open?.id;
    sprite.boot();

    expect(sprite.phase("web")).toBe("starting");
    expect(sprite.context("web").open?.id).not.toBe(before);
  });

  it("finishes what was being deleted", () => {
    const sprite = new Sprite();
    sprite.up({ web: {} });
    sprite.wish("web", "delete_requested");
    sprite.boot();

    expect(sprite.phases()).toEqual({});
  });
});

describe("a boot that finds an old process", () => {
  it("starts nothing before it is gone", () => {
    const sprite = new Sprite();
    sprite.up({ web: {} });
    sprite.boot({ web: { kind: "proven", pids: [100] } });

    expect(sprite.phase("web")).toBe("restarting");
    sprite.down("web");
    expect(sprite.phase("web")).toBe("starting");
  });

  it("starts nothing while one that nothing proves ours is there", () => {
    const sprite = new Sprite();
    sprite.up({ web: {} });
    sprite.boot({ web: { kind: "unproven", pid: 100 } });

    expect(sprite.phase("web")).toBe("pending");
    sprite.wish("web", "start_requested");
    expect(sprite.phase("web")).toBe("pending");
    sprite.report("web", { type: "incarnation.emptied" });
    expect(sprite.phase("web")).toBe("starting");
  });

  it("starts its dependents when the new one runs", () => {
    const sprite = new Sprite();
    sprite.up({ db: {}, app: { needs: ["db"] } });
    sprite.boot({ db: { kind: "proven", pids: [100] } });

    expect(sprite.phases()).toEqual({ app: "pending", db: "restarting" });
    sprite.down("db");
    sprite.spawned("db");
    expect(sprite.phase("app")).toBe("starting");
  });
});
