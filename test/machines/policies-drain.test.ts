import { describe, expect, it } from "vitest";
import { Sprite } from "./sprite.ts";

describe("a shutdown", () => {
  it("is done at once where nothing is up", () => {
    const sprite = new Sprite();
    sprite.up({ web: {} });
    sprite.stop("web");
    sprite.drain();

    expect(sprite.environment).toBe("down");
  });

  it("stops what nobody needs first, then what that needed, independent arms together", () => {
    const sprite = new Sprite();
    sprite.up({ db: {}, cache: {}, app: { needs: ["db"] }, web: { needs: ["app"] } });
    sprite.drain();

    expect(sprite.phases()).toEqual({
      app: "running",
      cache: "stopping",
      db: "running",
      web: "stopping",
    });
    sprite.down("web");
    expect(sprite.phases()).toMatchObject({ app: "stopping", db: "running" });
    sprite.down("app");
    expect(sprite.phases()).toMatchObject({ db: "stopping" });
    sprite.down("cache");
    expect(sprite.environment).toBe("draining");
    sprite.down("db");
    expect(sprite.environment).toBe("down");
  });

  it("gives each its own time, but no more than there is", () => {
    const sprite = new Sprite();
    sprite.up({ quick: { stopTimeoutMs: 1_000 }, slow: { stopTimeoutMs: 60_000 } });
    const [, quick, slow] = sprite.drain();

    expect(quick).toMatchObject({ name: "quick", event: { timeoutMs: 1_000 } });
    expect(slow).toMatchObject({ name: "slow", event: { timeoutMs: 5_000 } });
  });

  it("ends what waits at once: pending, and crashed with nothing left", () => {
    const sprite = new Sprite();
    sprite.up({ db: {} });
    sprite.create("app", { needs: ["db", "nothing"] });
    sprite.up({ job: {} });
    sprite.down("job", 1);
    sprite.drain();

    expect(sprite.phases()).toEqual({ app: "stopped", db: "stopping", job: "stopped" });
    sprite.down("db");
    expect(sprite.environment).toBe("down");
  });

  it("waits for what a person is stopping or deleting already", () => {
    const sprite = new Sprite();
    sprite.up({ web: {}, old: {} });
    sprite.wish("web", "stop_requested");
    sprite.wish("old", "delete_requested");
    sprite.drain();
    sprite.down("web");
    expect(sprite.environment).toBe("draining");
    sprite.down("old");

    expect(sprite.environment).toBe("down");
    expect(sprite.context("web").desired).toBe("stopped");
  });

  it("waits for a spawn that is in flight, and ends what comes of it", () => {
    const sprite = new Sprite();
    sprite.create("web");
    sprite.drain();
    expect(sprite.phase("web")).toBe("stopping");
    sprite.spawned("web");
    sprite.down("web");

    expect(sprite.environment).toBe("down");
  });

  it("starts nothing any more, neither a retry nor what waited, and ends it in its turn", () => {
    const sprite = new Sprite();
    sprite.up({ db: {}, app: { needs: ["db"], backoff: { firstMs: 0 } }, web: { needs: ["app"] } });
    sprite.drain();
    sprite.down("app", 1);
    expect(sprite.phases()).toEqual({ app: "pending", db: "running", web: "stopping" });
    sprite.down("web");
    expect(sprite.phases()).toEqual({ app: "stopped", db: "stopping", web: "stopped" });
    sprite.down("db");

    expect(sprite.environment).toBe("down");
  });

  it("leaves what is wished as it is: the next boot starts what ran, in order", () => {
    const sprite = new Sprite();
    sprite.up({ db: {}, app: { needs: ["db"] }, off: {} });
    sprite.stop("off");
    sprite.drain();
    sprite.down("app");
    sprite.down("db");
    sprite.boot();

    expect(sprite.phases()).toEqual({ app: "pending", db: "starting", off: "stopped" });
  });

  it("says so once", () => {
    const sprite = new Sprite();
    sprite.create("a", { needs: ["nothing"] });
    sprite.create("b", { needs: ["nothing"] });
    const rows = sprite.drain();

    expect(rows.filter(({ type }) => type === "environment.drained")).toHaveLength(1);
  });
});
