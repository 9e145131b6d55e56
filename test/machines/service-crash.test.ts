import { describe, expect, it } from "vitest";
import type { ServiceDefinition } from "../../machines/definition.ts";
import { exitInWords } from "../../machines/service-context.ts";
import type { ExitStatus } from "../../machines/service-events.ts";
import * as life from "./life.ts";

const probe = { kind: "tcp", port: 8080 } as const;

describe("an exit that nobody asked for", () => {
  const crash = life.running().when({ ...life.exited(3), at: 1_000 });

  it("is a crash: what it left behind is ended before anything else", () => {
    expect(crash.state).toBe("crashed");
    expect(crash.context).toMatchObject({
      lastExit: { code: 3 },
      error: "exited with code 3",
      restartCount: 1,
      open: { id: "in_1", exited: true },
    });
    expect(crash.effects).toEqual([
      { type: "stopProbes", params: { incarnation: "in_1" } },
      { type: "emptyIncarnation", params: { incarnation: "in_1" } },
    ]);
  });

  it("waits for what remains of its delay once nothing is left", () => {
    const { state, effects } = crash.when({ ...life.emptied(), at: 1_050, id: "ev_e" });

    expect(state).toBe("crashed");
    expect(effects).toEqual([
      { type: "armTimer", params: { timer: "backoff", dueAt: 1_200, armed: "ev_e" } },
    ]);
  });

  it("is pending at once where the delay ran out while leftovers were ended", () => {
    const { state, context, effects } = crash.when({ ...life.emptied(), at: 1_200 });

    expect(state).toBe("pending");
    expect(context.dueAt).toBeUndefined();
    expect(effects).toEqual([]);
  });

  it("is tried again when its delay ran out", () => {
    const { state } = crash.when({ ...life.emptied(), id: "ev_e" }, life.fired("backoff", "ev_e"));

    expect(state).toBe("pending");
  });

  it("is not tried again by a timer that was armed for another crash", () => {
    const again = life
      .crashed()
      .when(life.start, life.asked("in_2"), life.spawned("in_2"), life.exited(1, "in_2"));
    const early = again.when(life.fired("backoff", "ev_4"));

    expect(early.taken).toBe(false);
    expect(early.state).toBe("crashed");
  });

  it("names a failing leftover that outlives KILL", () => {
    const stuck = crash.when({ type: "process.kill_sent", incarnation: "in_1" }, life.unkillable);

    expect(stuck.state).toBe("crashed");
    expect(stuck.context.unkillablePid).toBe(100);
    expect(stuck.when(life.emptied()).context.unkillablePid).toBeUndefined();
  });

  it.each<[ExitStatus, string]>([
    [{ code: 3 }, "exited with code 3"],
    [{ signal: "TERM" }, "killed by signal TERM"],
    [{ signal: "SEGV", core: true }, "killed by signal SEGV (core dumped)"],
    [{ signal: "KILL", oom: true }, "killed by the kernel: out of memory"],
    [{}, "ended while nobody looked"],
  ])("is told in words: %j", (status, words) => {
    expect(exitInWords(status)).toBe(words);
  });
});

describe("the restart policy", () => {
  it.each<[string, Partial<ServiceDefinition>, number | string, string]>([
    ["always, after a failure", {}, 1, "crashed"],
    ["always, after a success", {}, 0, "crashed"],
    ["always, after a signal", {}, "TERM", "crashed"],
    ["on-failure, after a failure", { restart: "on-failure" }, 1, "crashed"],
    ["on-failure, after a success", { restart: "on-failure" }, 0, "stopped"],
    ["on-failure, after a signal", { restart: "on-failure" }, "KILL", "crashed"],
    [
      "on-failure, with that code",
      { restart: "on-failure", successExitCodes: [0, 3] },
      3,
      "stopped",
    ],
    ["on-failure, without code 0", { restart: "on-failure", successExitCodes: [3] }, 0, "crashed"],
    ["never, after a failure", { restart: "never" }, 1, "failed"],
    ["never, after a success", { restart: "never" }, 0, "stopped"],
    ["never, after a signal", { restart: "never" }, "TERM", "failed"],
    ["oneshot, after a success", { oneshot: true }, 0, "stopped"],
    ["oneshot, after a failure", { oneshot: true }, 1, "crashed"],
    ["oneshot and never, after a failure", { oneshot: true, restart: "never" }, 1, "failed"],
  ])("%s", (_, definition, how, phase) => {
    const { state, context } = life.running(definition).when(life.exited(how), life.emptied());

    expect(state).toBe(phase);
    expect(context.desired).toBe("running");
    expect(context.restartCount).toBe(phase === "crashed" ? 1 : 0);
  });

  it("says why a service failed, and nothing where it succeeded", () => {
    const never = life.running({ restart: "never" });

    expect(never.when(life.exited(2), life.emptied()).context.error).toBe("exited with code 2");
    expect(never.when(life.exited(0), life.emptied()).context.error).toBeUndefined();
  });

  it("is stopping while the leftovers of an exit that is not retried are ended", () => {
    const { state, effects } = life.running({ restart: "never" }).when(life.exited(0));

    expect(state).toBe("stopping");
    expect(effects).toContainEqual({
      type: "emptyIncarnation",
      params: { incarnation: "in_1" },
    });
  });
});

/** So many crashes of a service, each right after its start, so many milliseconds apart. */
function crashes(count: number, everyMs: number, definition: Partial<ServiceDefinition> = {}) {
  let now = life.service(definition);
  for (let index = 1; index <= count; index += 1) {
    const at = index * everyMs;
    const id = `in_${index}`;
    now = now.when(
      { ...life.asked(id), at: at - 3 },
      { ...life.spawned(id), at: at - 2, id: `ev_up_${index}` },
      { ...life.exited(1, id), at },
      { ...life.emptied(id), at, id: `ev_down_${index}` },
    );
    if (index < count && now.state === "crashed") now = now.when(life.start);
  }
  return now;
}

/** The same where each try comes by itself. */
function loop(count: number, everyMs: number, definition: Partial<ServiceDefinition> = {}) {
  let now = life.service(definition);
  for (let index = 1; index <= count; index += 1) {
    const at = index * everyMs;
    const id = `in_${index}`;
    now = now.when(
      { ...life.asked(id), at: at - 3 },
      { ...life.spawned(id), at: at - 2, id: `ev_up_${index}` },
      { ...life.exited(1, id), at },
      { ...life.emptied(id), at, id: `ev_down_${index}` },
    );
    if (index < count && now.state === "crashed")
      now = now.when({ ...life.fired("backoff", `ev_down_${index}`), at: at + everyMs - 4 });
  }
  return now;
}

describe("the delay before the next try", () => {
  it("doubles with each failure in a row, and so does what is counted", () => {
    const third = loop(3, 40_000);

    expect(third.context).toMatchObject({ attempt: 3, restartCount: 3, delayMs: 800 });
    expect(third.context.dueAt).toBe(120_800);
  });

  it("is as long as the draw in the exit's event says", () => {
    const { context } = life.running().when({ ...life.exited(1, "in_1", 0), at: 1_000 });

    expect(context.dueAt).toBe(1_160);
  });

  it("begins anew after 30 s healthy", () => {
    const up = loop(3, 10_000).when(
      life.fired("backoff", "ev_down_3"),
      life.asked("in_4"),
      { ...life.spawned("in_4"), at: 40_000, id: "ev_up" },
      { ...life.fired("healthy", "ev_up"), at: 70_000 },
    );
    const { context } = up.when(life.exited(1, "in_4"));

    expect(up.context).toMatchObject({ attempt: 0, failures: [], restartCount: 3 });
    expect(context).toMatchObject({ delayMs: 200, restartCount: 4 });
  });

  it("does not begin anew by what was armed in an earlier life", () => {
    const up = loop(2, 10_000).when(
      life.fired("backoff", "ev_down_2"),
      life.asked("in_3"),
      life.spawned("in_3"),
      life.fired("healthy", "ev_up_1"),
    );

    expect(up.taken).toBe(false);
    expect(up.context.attempt).toBe(2);
  });

  it("has nothing to forget where nothing failed", () => {
    const up = life.service().when(life.asked(), { ...life.spawned(), id: "ev_up" });

    expect(up.when(life.fired("healthy", "ev_up")).taken).toBe(false);
  });
});

describe("crash-looping", () => {
  it("shows at the fifth failure in 60 s", () => {
    expect(loop(4, 10_000).context.crashLooping).toBe(false);
    expect(loop(5, 10_000).context.crashLooping).toBe(true);
  });

  it("does not show where five failures take longer", () => {
    expect(loop(9, 15_000).context.crashLooping).toBe(false);
  });

  it("keeps 100 ms between tries even without a first delay", () => {
    const now = { backoff: { firstMs: 0 } };

    expect(loop(4, 1_000, now).context.delayMs).toBeUndefined();
    expect(loop(5, 1_000, now).context.delayMs).toBe(100);
    expect(loop(1_200, 1_000, now).context.delayMs).toBe(100);
  });

  it("ends when it was healthy for 30 s", () => {
    const up = loop(5, 10_000).when(
      life.fired("backoff", "ev_down_5"),
      life.asked("in_6"),
      { ...life.spawned("in_6"), id: "ev_up" },
      life.fired("healthy", "ev_up"),
    );

    expect(up.context.crashLooping).toBe(false);
  });

  it("ends that way also after a person started it anew", () => {
    const up = loop(5, 10_000).when(
      life.start,
      life.asked("in_6"),
      { ...life.spawned("in_6"), id: "ev_up" },
      life.fired("healthy", "ev_up"),
    );

    expect(up.context).toMatchObject({ crashLooping: false, restartCount: 0 });
  });
});

describe("max_failures", () => {
  it("gives up for good at so many failures within the window", () => {
    const { state, context } = loop(3, 10_000, { maxFailures: 3 });

    expect(state).toBe("failed");
    expect(context).toMatchObject({ desired: "running", restartCount: 2 });
  });

  it("goes on where they lie further apart", () => {
    expect(loop(9, 30_000, { maxFailures: 3 }).state).toBe("crashed");
    expect(loop(9, 30_000, { maxFailures: 3, windowMs: 90_000 }).state).toBe("failed");
  });

  it("counts a spawn that failed too", () => {
    const { state } = loop(1, 10_000, { maxFailures: 2 }).when(
      life.fired("backoff", "ev_down_1"),
      life.asked("in_2"),
      life.notSpawned("in_2"),
    );

    expect(state).toBe("failed");
  });

  it("counts from 0 again after a person's start", () => {
    expect(crashes(5, 10_000, { maxFailures: 2 }).state).toBe("crashed");
  });
});

describe("health", () => {
  const health = { probe };
  const up = life.running({ health });

  it("that failed too often ends the process, which counts as a crash", () => {
    const unwell = up.when(life.unhealthy());
    const ended = unwell.when(life.exited("TERM"), life.emptied());

    expect(unwell.state).toBe("restarting");
    expect(unwell.context.error).toBe("unhealthy: connection refused");
    expect(unwell.effects).toEqual([
      { type: "stopProbes", params: { incarnation: "in_1" } },
      {
        type: "stopIncarnation",
        params: { incarnation: "in_1", signal: "TERM", timeoutMs: 10_000 },
      },
    ]);
    expect(ended.state).toBe("crashed");
    expect(ended.context).toMatchObject({
      restartCount: 1,
      error: "unhealthy: connection refused",
    });
  });

  it("that failed fails the service for good where the policy does not retry", () => {
    const unwell = life.running({ health, restart: "never" }).when(life.unhealthy());

    expect(unwell.state).toBe("stopping");
    expect(unwell.when(life.exited("TERM"), life.emptied()).state).toBe("failed");
  });

  it("shows while it fails and not any more when it is well", () => {
    const change = { type: "health.changed", incarnation: "in_1" } as const;
    const unwell = up.when({ ...change, ok: false, reason: "HTTP 500" });

    expect(unwell.state).toBe("running");
    expect(unwell.context.unhealthy).toBe("HTTP 500");
    expect(unwell.when({ ...change, ok: true }).context.unhealthy).toBeUndefined();
  });

  it("of an earlier life is not taken", () => {
    expect(up.when(life.unhealthy("in_0")).taken).toBe(false);
  });

  it("forgets to count where a person starts it while it is being ended", () => {
    const { state, context } = up
      .when(life.unhealthy(), life.start)
      .when(life.exited("TERM"), life.emptied());

    expect(state).toBe("pending");
    expect(context.restartCount).toBe(0);
  });
});
