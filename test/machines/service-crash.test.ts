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
