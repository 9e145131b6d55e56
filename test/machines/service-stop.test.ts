import { describe, expect, it } from "vitest";
import * as life from "./life.ts";

const probe = { kind: "tcp", port: 8080 } as const;

describe("stop of a running service", () => {
  const stopping = life.running().when(life.stop);

  it("asks for a gentle end with its own signal and time", () => {
    const { state, effects } = life
      .running({ stopSignal: "INT", stopTimeoutMs: 3_000 })
      .when(life.stop);

    expect(state).toBe("stopping");
    expect(effects).toEqual([
      { type: "stopProbes", params: { incarnation: "in_1" } },
      {
        type: "stopIncarnation",
        params: { incarnation: "in_1", signal: "INT", timeoutMs: 3_000 },
      },
    ]);
  });

  it("lets the request's timeout override", () => {
    const { effects } = life.running().when({ ...life.stop, timeoutMs: 500 });

    expect(effects).toContainEqual({
      type: "stopIncarnation",
      params: { incarnation: "in_1", signal: "TERM", timeoutMs: 500 },
    });
  });

  it("is not stopped when the main process is gone, only when nothing is left", () => {
    const exited = stopping.when(life.exited("TERM"));

    expect(exited.state).toBe("stopping");
    expect(exited.when(life.emptied()).state).toBe("stopped");
  });

  it("is no failure: nothing is counted, no error stands", () => {
    const { context } = stopping.when(life.exited("KILL"), life.emptied());

    expect(context).toMatchObject({
      desired: "stopped",
      restartCount: 0,
      lastExit: { signal: "KILL" },
    });
    expect(context.error).toBeUndefined();
  });

  it("joins a stop that is under way, and may shorten it", () => {
    const { state, effects } = stopping.when({ ...life.stop, timeoutMs: 1 });

    expect(state).toBe("stopping");
    expect(effects).toEqual([
      { type: "stopIncarnation", params: { incarnation: "in_1", signal: "TERM", timeoutMs: 1 } },
    ]);
  });

  it("stays stopping and names the pid where something outlives KILL", () => {
    const stuck = stopping.when(
      { type: "process.kill_sent", incarnation: "in_1" },
      life.unkillable,
    );

    expect(stuck.state).toBe("stopping");
    expect(stuck.context.unkillablePid).toBe(100);
    expect(stuck.when(life.asked("in_2")).taken).toBe(false);
    expect(stuck.when(life.emptied()).context.unkillablePid).toBeUndefined();
  });
});

describe("stop while the spawn is in flight", () => {
  const stopping = life.service().when(life.asked(), life.stop);

  it("waits for it, then ends what came up", () => {
    const late = stopping.when(life.spawned());

    expect(late.state).toBe("stopping");
    expect(late.effects).toEqual([
      {
        type: "stopIncarnation",
        params: { incarnation: "in_1", signal: "TERM", timeoutMs: 10_000 },
      },
    ]);
    expect(late.when(life.exited("TERM"), life.emptied()).state).toBe("stopped");
  });

  it("is stopped, without an error, where it failed", () => {
    const { state, context } = stopping.when(life.unkillable, life.notSpawned());

    expect(state).toBe("stopped");
    expect(context.error).toBeUndefined();
    expect(context.unkillablePid).toBeUndefined();
  });
});

describe("stop of what is down", () => {
  it("of a pending service is done at once", () => {
    expect(life.service().when(life.stop).state).toBe("stopped");
  });

  it("of a crashed one that waits is done at once, and it is not tried again", () => {
    const { state, context, when } = life.crashed().when(life.stop);

    expect(state).toBe("stopped");
    expect(context.dueAt).toBeUndefined();
    expect(when(life.fired("backoff", "ev_4")).taken).toBe(false);
  });

  it("of a crashed one with leftovers ends those first", () => {
    const { state, when } = life.running().when(life.exited(), life.stop);

    expect(state).toBe("stopping");
    expect(when(life.emptied()).state).toBe("stopped");
  });

  it("of a failed one records the wish", () => {
    const { state, context } = life
      .running({ restart: "never" })
      .when(life.exited(), life.emptied(), life.stop);

    expect(state).toBe("stopped");
    expect(context).toMatchObject({ desired: "stopped" });
    expect(context.error).toBeUndefined();
  });

  it("of a finished oneshot records the wish", () => {
    const done = life.running({ oneshot: true }).when(life.exited(0), life.emptied());
    const { taken, state, context } = done.when(life.stop);

    expect({ taken, state, desired: context.desired }).toEqual({
      taken: true,
      state: "stopped",
      desired: "stopped",
    });
  });

  it("of a stopped one is refused", () => {
    expect(life.stopped().when(life.stop).taken).toBe(false);
  });

  it("of one that is ended to be tried again: no try follows", () => {
    const { state } = life
      .running()
      .when(life.restart, life.stop, life.exited("TERM"), life.emptied());

    expect(state).toBe("stopped");
  });

  it("of one that is ended for its health: it is stopped, not crashed", () => {
    const { state, context } = life
      .running({ health: { probe } })
      .when(life.unhealthy(), life.stop, life.exited("TERM"), life.emptied());

    expect(state).toBe("stopped");
    expect(context.restartCount).toBe(0);
  });
});

describe("delete", () => {
  it("of a running service ends it first", () => {
    const deleting = life.running().when(life.remove);

    expect(deleting.state).toBe("stopping");
    expect(deleting.when(life.exited("TERM"), life.emptied()).state).toBe("deleted");
  });

  it("of what is down is done at once", () => {
    expect(life.service().when(life.remove).state).toBe("deleted");
    expect(life.crashed().when(life.remove).state).toBe("deleted");
    expect(life.stopped().when(life.remove).state).toBe("deleted");
  });

  it("is not undone: start, restart and change are refused meanwhile, stop joins", () => {
    const deleting = life.running().when(life.remove);

    expect(deleting.when(life.start).taken).toBe(false);
    expect(deleting.when(life.restart).taken).toBe(false);
    expect(deleting.when(life.changed(true)).taken).toBe(false);
    expect(deleting.when(life.stop, life.exited("TERM"), life.emptied()).state).toBe("deleted");
  });

  it("goes on over a boot", () => {
    const { state } = life.running().when(life.remove, life.booted(), life.lost(), life.emptied());

    expect(state).toBe("deleted");
  });

  it("takes nothing any more", () => {
    expect(life.stopped().when(life.remove, life.start).taken).toBe(false);
  });
});

describe("drain, when the daemon ends", () => {
  it("stops within the time left, and goes on wishing to run", () => {
    const { state, context, effects } = life.running().when({ ...life.drain, timeoutMs: 1_500 });

    expect(state).toBe("stopping");
    expect(context).toMatchObject({ desired: "running", ending: "drained" });
    expect(effects).toContainEqual({
      type: "stopIncarnation",
      params: { incarnation: "in_1", signal: "TERM", timeoutMs: 1_500 },
    });
  });

  it("of what waits is done at once", () => {
    expect(life.service().when(life.drain).state).toBe("stopped");
    expect(life.crashed().when(life.drain).state).toBe("stopped");
  });

  it("is nothing to what is down", () => {
    expect(life.stopped().when(life.drain).taken).toBe(false);
  });

  it("leaves what had failed before to be failed", () => {
    const { state } = life
      .running({ restart: "never" })
      .when(life.exited(1), life.drain, life.emptied());

    expect(state).toBe("failed");
  });
});

describe("signal", () => {
  const signal = { type: "service.signal_requested", signal: "HUP" } as const;

  it("goes to the main process and changes nothing", () => {
    const { state, effects } = life.running().when(signal);

    expect(state).toBe("running");
    expect(effects).toEqual([
      { type: "signalProcess", params: { incarnation: "in_1", signal: "HUP" } },
    ]);
  });

  it("that ends it is a crash like any other", () => {
    const { state, context } = life
      .running()
      .when({ ...signal, signal: "TERM" }, life.exited("TERM"), life.emptied());

    expect(state).toBe("crashed");
    expect(context.restartCount).toBe(1);
  });

  it("reaches one that is being ended", () => {
    expect(life.running().when(life.stop, signal).taken).toBe(true);
  });

  it.each([
    ["pending", life.service()],
    ["starting, not spawned yet", life.service().when(life.asked())],
    ["crashed", life.running().when(life.exited())],
    ["stopping, its main process gone", life.running().when(life.stop, life.exited("TERM"))],
    ["stopping, with a process that nothing proves ours", life.unproven().when(life.stop)],
    ["stopped", life.stopped()],
  ])("is refused without a process: %s", (_, at) => {
    expect(at.when(signal).taken).toBe(false);
  });
});
