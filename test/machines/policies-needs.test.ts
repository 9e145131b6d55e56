import { describe, expect, it } from "vitest";
import { waitingFor } from "../../machines/policies.ts";
import { Sprite } from "./sprite.ts";

const probe = { kind: "tcp", port: 5432 } as const;

describe("a start without needs", () => {
  it("asks for the process in the same group, as a consequence of the wish", () => {
    const sprite = new Sprite();
    const [created, asked] = sprite.create("web");

    expect(created).toMatchObject({ type: "service.created", to: "pending" });
    expect(asked).toMatchObject({ type: "process.spawn_requested", to: "starting" });
    expect(asked?.cause).toBe(created);
  });

  it("goes from crash to respawn in one group where nothing is left and no delay stands", () => {
    const sprite = new Sprite();
    sprite.up({ web: { backoff: { firstMs: 0 } } });

    expect(sprite.down("web", 1).map(({ type, to }) => `${type} ${to}`)).toEqual([
      "process.exited crashed",
      "incarnation.emptied pending",
      "process.spawn_requested starting",
    ]);
  });

  it("is not repeated while the process is asked for", () => {
    const sprite = new Sprite();
    sprite.create("web");
    sprite.wish("web", "start_requested");

    expect(sprite.told.filter(({ type }) => type === "process.spawn_requested")).toHaveLength(1);
  });

  it("gives every incarnation an id of its own", () => {
    const sprite = new Sprite();
    sprite.up({ web: {} });
    const first = sprite.context("web").open?.id;
    sprite.wish("web", "restart_requested");
    sprite.down("web");

    expect(sprite.context("web").open?.id).not.toBe(first);
  });
});

describe("a service with needs", () => {
  it("waits until they run, and says for which", () => {
    const sprite = new Sprite();
    sprite.create("db");
    sprite.create("cache");
    sprite.create("app", { needs: ["db", "cache"] });

    expect(sprite.phase("app")).toBe("pending");
    expect(waitingFor(sprite.context("app"), sprite.view)).toEqual(["db", "cache"]);
    sprite.spawned("db");
    expect(sprite.phase("app")).toBe("pending");
    expect(waitingFor(sprite.context("app"), sprite.view)).toEqual(["cache"]);
    const rows = sprite.spawned("cache");
    expect(sprite.phase("app")).toBe("starting");
    expect(rows.at(-1)).toMatchObject({ name: "app", cause: { name: "cache" } });
  });

  it("waits until they are ready where they declare readiness", () => {
    const sprite = new Sprite();
    sprite.create("db", { ready: probe });
    sprite.create("app", { needs: ["db"] });
    sprite.spawned("db");

    expect(sprite.phase("app")).toBe("pending");
    sprite.report("db", { type: "readiness.reached" });
    expect(sprite.phase("app")).toBe("starting");
  });

  it("waits until a oneshot succeeded, not while it runs nor when it failed", () => {
    const sprite = new Sprite();
    sprite.create("migrate", { oneshot: true, restart: "never" });
    sprite.create("app", { needs: ["migrate"] });
    sprite.spawned("migrate");
    expect(sprite.phase("app")).toBe("pending");
    sprite.down("migrate", 1);
    expect(sprite.phases()).toMatchObject({ migrate: "failed", app: "pending" });
    sprite.wish("migrate", "start_requested");
    sprite.spawned("migrate");
    sprite.down("migrate", 0);

    expect(sprite.phases()).toMatchObject({ migrate: "stopped", app: "starting" });
  });

  it("goes on running when one of them dies", () => {
    const sprite = new Sprite();
    sprite.up({ db: {}, app: { needs: ["db"] } });
    sprite.down("db", 1);

    expect(sprite.phases()).toEqual({ app: "running", db: "crashed" });
  });

  it("waits for one that died when it crashes itself", () => {
    const sprite = new Sprite();
    sprite.up({ db: {}, app: { needs: ["db"], backoff: { firstMs: 0 } } });
    sprite.down("db", 1);
    sprite.down("app", 1);

    expect(sprite.phase("app")).toBe("pending");
  });

  it("can be stopped while it waits", () => {
    const sprite = new Sprite();
    sprite.create("db");
    sprite.create("app", { needs: ["db"] });
    sprite.stop("app");
    sprite.spawned("db");

    expect(sprite.phases()).toEqual({ app: "stopped", db: "running" });
  });

  it("waits for one that is not there", () => {
    const sprite = new Sprite();
    sprite.create("app", { needs: ["constructor"] });

    expect(waitingFor(sprite.context("app"), sprite.view)).toEqual(["constructor"]);
    expect(sprite.phase("app")).toBe("pending");
  });
});

describe("a command to start", () => {
  const chain = { base: {}, mid: { needs: ["base"] }, app: { needs: ["mid"] } };
  const stoppedChain = () => {
    const sprite = new Sprite();
    sprite.up(chain);
    for (const name of ["app", "mid", "base"]) sprite.stop(name);
    return sprite;
  };

  it("starts stopped needs too, and theirs, as their cause", () => {
    const sprite = stoppedChain();
    const rows = sprite.wish("app", "start_requested");
    const started = rows.filter(({ type }) => type === "service.start_requested");

    expect(started.map(({ name, cause }) => `${cause?.name} → ${name}`)).toEqual([
      "undefined → app",
      "app → mid",
      "mid → base",
    ]);
    expect(sprite.phases()).toEqual({ app: "pending", base: "starting", mid: "pending" });
    sprite.spawned("base");
    sprite.spawned("mid");
    expect(sprite.phases()).toEqual({ app: "starting", base: "running", mid: "running" });
  });

  it.each(["restart_requested", "changed"])("does so too: %s", (wish) => {
    const sprite = stoppedChain();
    sprite.wish("app", wish, {
      definition: { cmd: "new", needs: ["mid"] },
      version: 2,
      start: true,
    });

    expect(sprite.phase("base")).toBe("starting");
  });

  it("does so too: create", () => {
    const sprite = stoppedChain();
    sprite.create("other", { needs: ["mid"] });

    expect(sprite.phase("base")).toBe("starting");
  });

  it("starts a need that failed, and turns around one that is being stopped", () => {
    const sprite = new Sprite();
    sprite.up({ job: { restart: "never" }, db: {} });
    sprite.down("job", 1);
    sprite.wish("db", "stop_requested");
    sprite.create("app", { needs: ["job", "db"] });

    expect(sprite.phases()).toEqual({ app: "pending", db: "restarting", job: "starting" });
  });

  it("leaves a oneshot that succeeded alone", () => {
    const sprite = new Sprite();
    sprite.up({ migrate: { oneshot: true } });
    sprite.down("migrate", 0);
    sprite.create("app", { needs: ["migrate"] });

    expect(sprite.phases()).toEqual({ app: "starting", migrate: "stopped" });
  });

  it("leaves the delay of a crashed need alone", () => {
    const sprite = new Sprite();
    sprite.up({ db: {} });
    sprite.down("db", 1);
    sprite.create("app", { needs: ["db"] });

    expect(sprite.phases()).toEqual({ app: "pending", db: "crashed" });
  });

  it("reaches a stopped need behind one that waits for it", () => {
    const sprite = stoppedChain();
    sprite.wish("mid", "start_requested");
    sprite.stop("base");
    expect(sprite.phases()).toEqual({ app: "stopped", base: "stopped", mid: "pending" });
    const rows = sprite.wish("app", "start_requested");

    expect(sprite.phases()).toEqual({ app: "pending", base: "starting", mid: "pending" });
    expect(rows.find(({ name }) => name === "base")?.cause?.name).toBe("app");
  });

  it("starts a need that two others wait for once", () => {
    const sprite = new Sprite();
    sprite.up({ base: {}, a: { needs: ["base"] }, b: { needs: ["base"] } });
    for (const name of ["a", "b", "base"]) sprite.stop(name);
    sprite.create("app", { needs: ["a", "b"] });
    sprite.stop("base");
    const begin = sprite.refused.length;
    const rows = sprite.wish("app", "start_requested");

    expect(rows.filter(({ name }) => name === "base").map(({ type }) => type)).toEqual([
      "service.start_requested",
      "process.spawn_requested",
    ]);
    expect(sprite.refused.slice(begin)).toEqual([]);
  });
});

describe("what is not a command to start", () => {
  it("leaves a stopped need stopped: a retry", () => {
    const sprite = new Sprite();
    sprite.up({ db: {}, app: { needs: ["db"], backoff: { firstMs: 0 } } });
    sprite.stop("db");
    sprite.down("app", 1);

    expect(sprite.phases()).toEqual({ app: "pending", db: "stopped" });
  });

  it("leaves a stopped need stopped: a boot", () => {
    const sprite = new Sprite();
    sprite.up({ db: {}, app: { needs: ["db"] } });
    sprite.stop("db");
    sprite.boot();

    expect(sprite.phases()).toEqual({ app: "pending", db: "stopped" });
    expect(waitingFor(sprite.context("app"), sprite.view)).toEqual(["db"]);
  });
});
