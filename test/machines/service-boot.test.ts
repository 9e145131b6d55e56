import { describe, expect, it } from "vitest";
import * as life from "./life.ts";

const stopIncarnation = {
  type: "stopIncarnation",
  params: { incarnation: "in_1", signal: "TERM", timeoutMs: 10_000 },
};
const watchUnproven = { type: "watchUnproven", params: { incarnation: "in_1", pid: 100 } };

describe("a boot after which nothing is left of the process", () => {
  const gone = life.running().when(life.booted("none"), life.lost(), life.emptied());

  it("starts it again: no failure, no delay, no count", () => {
    expect(gone.state).toBe("pending");
    expect(gone.context).toMatchObject({ restartCount: 0, attempt: 0, lastExit: {} });
    expect(gone.context.open).toBeUndefined();
  });

  it("takes no late result of the old life", () => {
    expect(gone.when(life.exited()).taken).toBe(false);
    expect(gone.when(life.emptied()).taken).toBe(false);
  });

  it("starts one whose spawn was in flight", () => {
    const { state } = life.service().when(life.asked(), life.booted(), life.lost(), life.emptied());

    expect(state).toBe("pending");
  });

  it("finishes a stop", () => {
    const { state } = life.running().when(life.stop, life.booted(), life.lost(), life.emptied());

    expect(state).toBe("stopped");
  });

  it("finishes a restart", () => {
    const { state } = life.running().when(life.restart, life.booted(), life.lost(), life.emptied());

    expect(state).toBe("pending");
  });
});

describe("a boot that finds the old process", () => {
  it("ends it before it starts another", () => {
    const { state, effects, when } = life.running().when(life.booted("proven"));

    expect(state).toBe("restarting");
    expect(effects).toEqual([stopIncarnation]);
    expect(when(life.asked("in_2")).taken).toBe(false);
    expect(when(life.emptied()).state).toBe("pending");
  });

  it("ends it where a stop or a restart had begun", () => {
    expect(life.running().when(life.stop, life.booted("proven"))).toMatchObject({
      state: "stopping",
      effects: [stopIncarnation],
    });
    expect(life.running().when(life.restart, life.booted("proven"))).toMatchObject({
      state: "restarting",
      effects: [stopIncarnation],
    });
  });

  it("ends what a crashed one left behind", () => {
    const { state, effects } = life.running().when(life.exited(), life.booted("proven"));

    expect(state).toBe("crashed");
    expect(effects).toEqual([stopIncarnation]);
  });
});

describe("a boot that finds a process that nothing proves ours", () => {
  const waiting = life.unproven();

  it("waits for it, names it, and signals nothing", () => {
    expect(waiting.state).toBe("pending");
    expect(waiting.context.unprovenPid).toBe(100);
    expect(waiting.effects).toEqual([watchUnproven]);
    expect(waiting.when(life.asked("in_2")).taken).toBe(false);
  });

  it("goes on when it is gone", () => {
    const { state, context } = waiting.when(life.emptied());

    expect(state).toBe("pending");
    expect(context.open).toBeUndefined();
    expect(context.unprovenPid).toBeUndefined();
  });

  it("can be stopped, and is not stopped before the process is gone", () => {
    const stopping = waiting.when(life.stop);

    expect(stopping.state).toBe("stopping");
    expect(stopping.when(life.emptied()).state).toBe("stopped");
  });

  it.each([
    ["stop", life.stop],
    ["delete", life.remove],
    ["restart", life.restart],
    ["drain", life.drain],
  ])("asks no runner to end it: %s, and a second one", (_, wish) => {
    const once = waiting.when(wish);
    const twice = once.when(life.stop);

    expect(once.effects.filter(({ type }) => type === "stopIncarnation")).toEqual([]);
    expect(twice.effects.filter(({ type }) => type === "stopIncarnation")).toEqual([]);
  });

  it("waits again, pending, where it is started while it is being stopped", () => {
    const again = waiting.when(life.stop, life.start);

    expect(again.state).toBe("pending");
    expect(again.context).toMatchObject({ desired: "running", unprovenPid: 100 });
    expect(again.when(life.emptied()).state).toBe("pending");
  });

  it("ends it where the next boot can prove it", () => {
    const proven = waiting.when(life.booted("proven"));

    expect(proven.state).toBe("restarting");
    expect(proven.effects).toEqual([stopIncarnation]);
    expect(proven.context.unprovenPid).toBeUndefined();
  });

  it("is watched again after the next boot", () => {
    expect(waiting.when(life.booted("unproven")).effects).toEqual([watchUnproven]);
  });

  it("keeps a stopping service stopping", () => {
    const stopping = life.running().when(life.stop, life.booted("unproven"));

    expect(stopping.state).toBe("stopping");
    expect(stopping.effects).toEqual([watchUnproven]);
  });
});

describe("a boot of what is down", () => {
  it("leaves stopped what a person stopped, also on a new machine boot", () => {
    expect(life.stopped().when(life.booted("none", true)).state).toBe("stopped");
  });

  it("starts what a shutdown stopped", () => {
    const drained = life.running().when(life.drain, life.exited("TERM"), life.emptied());

    expect(drained.when(life.booted()).state).toBe("pending");
  });

  it("leaves a pending one pending", () => {
    expect(life.service().when(life.booted())).toMatchObject({ state: "pending", taken: true });
  });

  it.each([
    ["a finished oneshot", life.running({ oneshot: true }).when(life.exited(0), life.emptied())],
    ["a success", life.running({ restart: "on-failure" }).when(life.exited(0), life.emptied())],
    ["a failure", life.running({ restart: "never" }).when(life.exited(1), life.emptied())],
  ])("brings %s back with the next boot of the machine, not of the daemon", (_, down) => {
    expect(down.when(life.booted()).state).toBe(down.state);
    expect(down.when(life.booted("none", true)).state).toBe("pending");
  });

  it("brings back one whose last leftovers were being ended", () => {
    const ending = life.running({ oneshot: true }).when(life.exited(0));

    expect(ending.when(life.booted(), life.emptied()).state).toBe("stopped");
    expect(ending.when(life.booted("none", true), life.emptied()).state).toBe("pending");
  });

  it("starts one whose shutdown was cut short", () => {
    const { state } = life.running().when(life.drain, life.booted(), life.lost(), life.emptied());

    expect(state).toBe("pending");
  });
});

describe("a boot of what waits for its next try", () => {
  const waiting = life
    .running()
    .when({ ...life.exited(), at: 1_000 }, { ...life.emptied(), at: 1_000 });

  it("arms what remains of the delay", () => {
    const { state, effects } = waiting.when({ ...life.booted(), at: 1_050, id: "ev_boot" });

    expect(state).toBe("crashed");
    expect(effects).toEqual([
      { type: "armTimer", params: { timer: "backoff", dueAt: 1_200, armed: "ev_boot" } },
    ]);
  });

  it("is due at once where the delay ran out meanwhile", () => {
    const { context } = waiting.when({ ...life.booted(), at: 9_000 });

    expect(context.dueAt).toBe(9_000);
  });

  it("starts at once on a new machine boot", () => {
    const { state, context } = waiting.when(life.booted("none", true));

    expect(state).toBe("pending");
    expect(context.dueAt).toBeUndefined();
  });

  it("does not take the timer of the daemon before", () => {
    const again = waiting.when({ ...life.booted(), id: "ev_boot" });

    expect(again.when(life.fired("backoff", "ev_4")).taken).toBe(false);
    expect(again.when(life.fired("backoff", "ev_boot")).state).toBe("pending");
  });
});
