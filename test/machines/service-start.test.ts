import { describe, expect, it } from "vitest";
import { resolved } from "../../machines/definition.ts";
import { isUp } from "../../machines/service-context.ts";
import * as life from "./life.ts";

const probe = { kind: "tcp", port: 8080 } as const;
const health = { probe };

describe("from its birth to running", () => {
  it("is pending, wished to run, with nothing open and nothing asked", () => {
    const { state, context, effects } = life.service();

    expect(state).toBe("pending");
    expect(context).toMatchObject({ desired: "running", version: 1, restartCount: 0, attempt: 0 });
    expect(context.open).toBeUndefined();
    expect(effects).toEqual([]);
  });

  it("asks for its process under the new incarnation's id, and is starting", () => {
    const { state, context, effects } = life.service().when(life.asked("in_9"));

    expect(state).toBe("starting");
    expect(context.open).toEqual({ id: "in_9", machineBoot: "mb_1", exited: false });
    expect(effects).toEqual([
      { type: "spawnProcess", params: { incarnation: "in_9", definition: { cmd: "web" } } },
    ]);
  });

  it("runs as soon as it is spawned where it declares no readiness", () => {
    const { state, context } = life.service().when(life.asked(), life.spawned("in_1", 4_711));

    expect(state).toBe("running");
    expect(context.open).toMatchObject({ pid: 4_711, startTime: "7" });
    expect(context.startedAt).toBe(1_000);
  });

  it("remembers where its lines begin in the log, and where they end", () => {
    const begun = life.service().when(life.asked(), { ...life.spawned(), logFrom: 500 });
    const ended = begun.when({ type: "output.ended", incarnation: "in_1", logTo: 900, lines: 12 });

    expect(begun.context.output).toEqual({ incarnation: "in_1", from: 500 });
    expect(ended.context.output).toEqual({ incarnation: "in_1", from: 500, to: 900 });
  });

  it("keeps where the lines of this life begin when those of the last one end late", () => {
    const { context } = life
      .crashed()
      .when(
        life.fired("backoff", "ev_4"),
        life.asked("in_2"),
        { ...life.spawned("in_2"), logFrom: 900 },
        { type: "output.ended", incarnation: "in_1", logTo: 900, lines: 12 },
      );

    expect(context.output).toEqual({ incarnation: "in_2", from: 900 });
  });

  it("measures how long it stays healthy, and asks for its health where it declares it", () => {
    const { effects } = life.service({ health }).when(life.asked(), {
      ...life.spawned(),
      at: 1_000,
      id: "ev_spawned",
    });

    expect(effects).toEqual([
      {
        type: "startHealth",
        params: {
          incarnation: "in_1",
          health: { probe, everyMs: 10_000, timeoutMs: 5_000, failures: 3 },
        },
      },
      { type: "armTimer", params: { timer: "healthy", dueAt: 31_000, armed: "ev_spawned" } },
    ]);
  });
});

describe("readiness", () => {
  const waiting = life
    .service({ ready: probe, health })
    .when(life.asked(), { ...life.spawned(), at: 1_000, id: "ev_spawned" });

  it("keeps it starting, asked within 60 s", () => {
    expect(waiting.state).toBe("starting");
    expect(waiting.effects).toEqual([
      { type: "startReadiness", params: { incarnation: "in_1", readiness: probe } },
      { type: "armTimer", params: { timer: "ready", dueAt: 61_000, armed: "ev_spawned" } },
    ]);
  });

  it("is reached: it runs, and only now its health is asked", () => {
    const { state, effects } = waiting.when(life.ready());

    expect(state).toBe("running");
    expect(effects.map(({ type }) => type)).toEqual(["startHealth", "armTimer"]);
  });

  it("not reached in time counts as a crash: it is ended, then tried again after a delay", () => {
    const late = waiting.when({ ...life.fired("ready", "ev_spawned"), at: 61_000 });
    const ended = late.when(life.exited("TERM"), { ...life.emptied(), at: 62_000 });

    expect(late.state).toBe("restarting");
    expect(late.context.error).toBe("not ready within 60 s");
    expect(late.effects).toContainEqual({
      type: "stopIncarnation",
      params: { incarnation: "in_1", signal: "TERM", timeoutMs: 10_000 },
    });
    expect(ended.state).toBe("crashed");
    expect(ended.context).toMatchObject({ restartCount: 1, dueAt: 62_200 });
  });

  it("not reached in time fails for good where the policy does not retry", () => {
    const { state, context } = life
      .service({ ready: probe, restart: "never" })
      .when(
        life.asked(),
        { ...life.spawned(), id: "ev_spawned" },
        life.fired("ready", "ev_spawned"),
        life.exited("TERM"),
        life.emptied(),
      );

    expect(state).toBe("failed");
    expect(context.error).toBe("not ready within 60 s");
  });

  it("is not missed by a timer of an earlier life", () => {
    const next = life
      .service({ ready: probe })
      .when(life.asked(), { ...life.spawned(), id: "ev_first" }, life.ready(), life.exited())
      .when({ ...life.emptied(), id: "ev_emptied" }, life.fired("backoff", "ev_emptied"))
      .when(life.asked("in_2"), life.fired("ready", "ev_first"));

    expect(next.taken).toBe(false);
    expect(next.state).toBe("starting");
  });
});

describe("a spawn that fails", () => {
  const failed = life.service().when(life.asked(), { ...life.notSpawned(), at: 500, id: "ev_f" });

  it("is retried like a crash, and says why", () => {
    expect(failed.state).toBe("crashed");
    expect(failed.context).toMatchObject({
      error: "no such file",
      lastExit: { spawnError: "ENOENT" },
      restartCount: 1,
      dueAt: 700,
    });
    expect(failed.context.open).toBeUndefined();
    expect(failed.effects).toEqual([
      { type: "armTimer", params: { timer: "backoff", dueAt: 700, armed: "ev_f" } },
    ]);
  });

  it("draws its jitter from the event", () => {
    const { context } = life
      .service()
      .when(life.asked(), { ...life.notSpawned(), jitter: 1, at: 500 } as never);

    expect(context.dueAt).toBe(740);
  });

  it("fails for good where no retry can help", () => {
    const { state, context } = life
      .service()
      .when(
        life.asked(),
        life.notSpawned("in_1", { permanent: true, message: "no key for TOKEN" }),
      );

    expect(state).toBe("failed");
    expect(context).toMatchObject({ error: "no key for TOKEN", restartCount: 0 });
  });

  it("fails for good where the policy never retries", () => {
    const { state } = life.service({ restart: "never" }).when(life.asked(), life.notSpawned());

    expect(state).toBe("failed");
  });
});

describe("others that need it may start", () => {
  it("when it runs", () => {
    expect(isUp("running", life.running().context)).toBe(true);
    expect(isUp("starting", life.service({ ready: probe }).context)).toBe(false);
  });

  it("when it succeeded, where it is a oneshot", () => {
    const oneshot = life.running({ oneshot: true });
    const done = oneshot.when(life.exited(0), life.emptied());
    const ended = oneshot.when(life.stop, life.exited(0), life.emptied());

    expect(isUp(oneshot.state, oneshot.context)).toBe(false);
    expect(isUp(done.state, done.context)).toBe(true);
    expect(isUp(ended.state, ended.context)).toBe(false);
  });
});

it("has the contract's defaults", () => {
  expect(resolved({ cmd: "web", health: { probe, everyMs: 1_000 } })).toEqual({
    cmd: "web",
    args: [],
    env: {},
    needs: [],
    restart: "always",
    successExitCodes: [0],
    backoff: { firstMs: 200, factor: 2, maxMs: 30_000, jitter: 0.2, resetAfterMs: 30_000 },
    windowMs: 60_000,
    stopSignal: "TERM",
    stopTimeoutMs: 10_000,
    readyTimeoutMs: 60_000,
    oneshot: false,
    health: { probe, everyMs: 1_000, timeoutMs: 5_000, failures: 3 },
  });
});
