import { describe, expect, it } from "vitest";
import * as life from "./life.ts";

const failed = life.running({ restart: "never" }).when(life.exited(), life.emptied());

describe("start", () => {
  it.each([
    ["stopped", life.stopped()],
    ["failed", failed],
    ["crashed", life.crashed()],
    ["pending", life.service()],
  ])("of a %s service makes it pending, wished to run, with nothing counted", (_, at) => {
    const { state, context } = at.when(life.start);

    expect(state).toBe("pending");
    expect(context).toMatchObject({
      desired: "running",
      restartCount: 0,
      attempt: 0,
      failures: [],
    });
    expect(context.error).toBeUndefined();
    expect(context.dueAt).toBeUndefined();
  });

  it("of a running one changes nothing but the count", () => {
    const again = life
      .crashed()
      .when(life.fired("backoff", "ev_4"), life.asked("in_2"), life.spawned("in_2"));
    const { state, context, effects } = again.when(life.start);

    expect(again.context.restartCount).toBe(1);
    expect(state).toBe("running");
    expect(context).toMatchObject({ restartCount: 0, open: { id: "in_2", exited: false } });
    expect(effects).toEqual([]);
  });

  it("of one that is being stopped: it ends, then a try follows", () => {
    const again = life.running().when(life.stop, life.start);

    expect(again.state).toBe("restarting");
    expect(again.context.desired).toBe("running");
    expect(again.when(life.exited("TERM"), life.emptied()).state).toBe("pending");
  });

  it("of a crashed one waits until nothing is left of the last life", () => {
    const again = life.running().when(life.exited(), life.start);

    expect(again.state).toBe("restarting");
    expect(again.when(life.asked("in_2")).taken).toBe(false);
    expect(again.when(life.emptied()).state).toBe("pending");
  });
});

describe("restart", () => {
  it("of a running service ends it, then it is pending without a delay", () => {
    const ending = life.running().when({ ...life.restart, timeoutMs: 100 });
    const { state, context } = ending.when(life.exited("TERM"), life.emptied());

    expect(ending.state).toBe("restarting");
    expect(ending.effects).toContainEqual({
      type: "stopIncarnation",
      params: { incarnation: "in_1", signal: "TERM", timeoutMs: 100 },
    });
    expect(state).toBe("pending");
    expect(context).toMatchObject({ restartCount: 0, attempt: 0 });
  });

  it.each([
    ["stopped", life.stopped()],
    ["failed", failed],
    ["crashed", life.crashed()],
  ])("of a %s service starts it", (_, at) => {
    expect(at.when(life.restart).state).toBe("pending");
  });

  it("of one whose spawn is in flight waits for that one to be gone", () => {
    const waiting = life.service().when(life.asked(), life.restart);

    expect(waiting.when(life.spawned(), life.exited("TERM"), life.emptied()).state).toBe("pending");
    expect(waiting.when(life.notSpawned()).state).toBe("pending");
  });

  it("sets the count to 0", () => {
    expect(life.crashed().when(life.restart).context.restartCount).toBe(0);
  });
});

describe("another definition", () => {
  it("replaces the process of a running service", () => {
    const ending = life.running({ stopSignal: "INT" }).when(life.changed(true));
    const next = ending.when(life.exited("INT"), life.emptied(), life.asked("in_2"));

    expect(ending.state).toBe("restarting");
    expect(ending.effects).toContainEqual({
      type: "stopIncarnation",
      params: { incarnation: "in_1", signal: "INT", timeoutMs: 10_000 },
    });
    expect(next.context.version).toBe(2);
    expect(next.effects).toEqual([
      { type: "spawnProcess", params: { incarnation: "in_2", definition: { cmd: "other" } } },
    ]);
  });

  it("starts what is down, and what is being stopped, where it was put", () => {
    expect(life.stopped().when(life.changed(true)).state).toBe("pending");
    expect(failed.when(life.changed(true)).state).toBe("pending");
    expect(life.crashed().when(life.changed(true)).state).toBe("pending");
    expect(life.running().when(life.stop, life.changed(true)).state).toBe("restarting");
  });

  it("leaves down what a person stopped, and what failed, where it was updated", () => {
    const { state, context } = life.stopped().when(life.changed(false));

    expect(state).toBe("stopped");
    expect(context).toMatchObject({ desired: "stopped", version: 2, definition: { cmd: "other" } });
    expect(failed.when(life.changed(false)).state).toBe("failed");
  });

  it("does not turn a stop around where it was updated", () => {
    const { state } = life
      .running()
      .when(life.stop, life.changed(false), life.exited("TERM"), life.emptied());

    expect(state).toBe("stopped");
  });

  it("sets the count to 0", () => {
    expect(life.crashed().when(life.changed(true)).context.restartCount).toBe(0);
  });
});
