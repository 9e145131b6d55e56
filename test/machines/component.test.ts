import { describe, expect, it } from "vitest";
import type { ComponentDefinition } from "../../machines/component-events.ts";
import { componentMachine } from "../../machines/component.ts";
import { given } from "../support/given.ts";

const ASKED: ComponentDefinition = {
  cmd: "start.sh",
  ready: { kind: "exec", command: ["ready.sh"] },
};
const UNASKED: ComponentDefinition = { cmd: "start.sh" };

const REQUESTED = {
  type: "process.spawn_requested",
  incarnation: "in_1",
  machineBoot: "mb_1",
} as const;
const SPAWNED = {
  type: "process.spawned",
  incarnation: "in_1",
  pid: 7,
  startTime: "1",
  wall: 5,
} as const;
const READY = { type: "readiness.reached", incarnation: "in_1" } as const;
const EMPTIED = { type: "incarnation.emptied", incarnation: "in_1", jitter: 0.5 } as const;
const exited = (code: number) =>
  ({ type: "process.exited", incarnation: "in_1", status: { code }, jitter: 0.5 }) as const;

const born = (definition: ComponentDefinition) => given(componentMachine, { definition, place: 0 });
const started = (definition = ASKED) => born(definition).when(REQUESTED, SPAWNED);
/** The timer that it armed last. */
const fired = ({ effects }: { effects: readonly { type: string; params?: unknown }[] }) => {
  const { params } = effects.findLast(({ type }) => type === "armTimer") ?? {};
  const { timer, armed } = params as { timer: "ready" | "backoff"; armed: string };
  return { type: "timer.fired", timer, armed } as const;
};
const names = (effects: readonly { type: string }[]): string[] => effects.map(({ type }) => type);

describe("a component", () => {
  it("waits, starts, is asked whether it is ready, and is", () => {
    expect(born(ASKED).state).toBe("pending");
    expect(born(ASKED).when(REQUESTED)).toMatchObject({
      state: "starting",
      effects: [{ type: "spawnProcess" }],
    });
    expect(names(started().effects)).toEqual(["startReadiness", "armTimer"]);
    expect(started().when(READY).state).toBe("ready");
  });

  it("is ready when it has run for a moment where nobody is to be asked", () => {
    const begun = started(UNASKED);
    expect(begun.state).toBe("starting");
    expect(begun.effects).toMatchObject([
      { type: "armTimer", params: { timer: "ready", dueAt: 502 } },
    ]);
    expect(begun.when(fired(begun)).state).toBe("ready");
    expect(begun.when(exited(0)).state).toBe("ready");
  });

  it("is asked again when its start ends with 0 after it was ready: what that left is the component", () => {
    const again = started()
      .when(READY)
      .when({ ...exited(0), at: 700 });
    expect(again).toMatchObject({ state: "starting", context: { detached: true } });
    expect(names(again.effects)).toEqual(["startReadiness", "armTimer"]);
    expect(again.when(READY).state).toBe("ready");
    expect(again.when({ ...EMPTIED, at: 800 }).when(READY).state).toBe("ready");
    const gone = again
      .when({ ...EMPTIED, at: 800 })
      .when(
        { type: "readiness.failed", incarnation: "in_1", reason: "refused" },
        { ...fired(again), at: 10_700 },
      );
    expect(gone).toMatchObject({
      state: "crashed",
      context: { error: "its start ended with 0, and it is not ready any more: refused" },
    });
  });

  it("that is to stay and ends with 0 long after its start has failed", () => {
    const begun = started(UNASKED);
    const ready = begun.when(fired(begun));
    expect(ready.when({ ...exited(0), at: 60_002 }).state).toBe("ready");
    expect(ready.when({ ...exited(0), at: 60_003 })).toMatchObject({
      state: "ending",
      context: { error: "exited with code 0" },
    });
  });

  it.each([
    ["soon after it was ready counts on", 30_499, 2],
    ["after it was ready for long counts anew", 30_500, 1],
  ])("that fails %s", (_, at, attempt) => {
    const begun = started(UNASKED);
    const once = begun.when(exited(1), EMPTIED);
    const again = once.when(fired(once)).when(REQUESTED, SPAWNED);
    const ready = again.when({ ...fired(again), at: 500 });
    expect(ready.state).toBe("ready");
    expect(ready.when({ ...exited(1), at }).when({ ...EMPTIED, at }).context.attempt).toBe(attempt);
  });

  it("goes on without a start that ended with 0, and is asked on, whatever that left", () => {
    const detached = started().when(exited(0));
    expect(detached).toMatchObject({ state: "starting", context: { detached: true } });
    expect(detached.when(EMPTIED).when(READY)).toMatchObject({
      state: "ready",
      context: { open: undefined },
    });
    expect(detached.when(READY).state).toBe("ready");
    expect(started(UNASKED).when(exited(0), EMPTIED).state).toBe("ready");
  });

  it.each([
    ["starting", started().when(exited(3))],
    ["ready", started().when(READY).when(exited(1))],
    ["starting, unasked", started(UNASKED).when(exited(1))],
  ])("that ends while %s has failed, and is tried again after a delay that grows", (_, ended) => {
    expect(ended.state).toBe("ending");
    expect(names(ended.effects)).toEqual(["stopProbes", "emptyIncarnation"]);
    const crashed = ended.when(EMPTIED);
    expect(crashed).toMatchObject({ state: "crashed", context: { restartCount: 1, attempt: 1 } });
    const [arming] = crashed.effects;
    expect(arming).toMatchObject({ type: "armTimer", params: { timer: "backoff" } });
    const { armed } = (arming as { params: { armed: string } }).params;
    expect(crashed.when({ type: "timer.fired", timer: "backoff", armed: "another" }).taken).toBe(
      false,
    );
    expect(crashed.when({ type: "timer.fired", timer: "backoff", armed }).state).toBe("pending");
  });

  it("whose processes vanish later has failed, too", () => {
    const detached = started(UNASKED).when(exited(0));
    expect(detached.when({ ...EMPTIED, at: 60_000 })).toMatchObject({
      state: "crashed",
      context: { error: "what its start left running has ended" },
    });
  });

  it("that is not ready in time is ended, and the reason is kept", () => {
    const begun = started();
    const armed = begun.effects.find(({ type }) => type === "armTimer") as {
      params: { armed: string };
    };
    const late = begun
      .when({ type: "readiness.failed", incarnation: "in_1", reason: "refused" })
      .when({ type: "timer.fired", timer: "ready", armed: armed.params.armed });
    expect(late).toMatchObject({
      state: "ending",
      context: { error: "not ready within 60 s: refused" },
    });
    expect(names(late.effects)).toEqual(["stopProbes", "stopIncarnation"]);
    expect(late.when(exited(0), EMPTIED).state).toBe("crashed");
  });

  it("that cannot be spawned is tried again", () => {
    const error = { errno: "ENOENT", message: "not found" };
    expect(
      born(ASKED).when(REQUESTED, {
        type: "process.spawn_failed",
        incarnation: "in_1",
        error,
        jitter: 0.5,
      }),
    ).toMatchObject({
      state: "crashed",
      context: { error: "not found", lastExit: { spawnError: "ENOENT" } },
    });
  });

  it("begins anew where configuration changes it, and goes where configuration has it no more", () => {
    const ready = started().when(READY);
    const changed = { type: "component.changed", definition: UNASKED, place: 2 } as const;
    expect(ready.when(changed)).toMatchObject({ state: "ending", context: { place: 2 } });
    expect(ready.when(changed).when(exited(0), EMPTIED).state).toBe("pending");
    expect(ready.when({ type: "component.removed" }).when(exited(0), EMPTIED).state).toBe(
      "removed",
    );
    expect(born(ASKED).when({ type: "component.removed" }).state).toBe("removed");
    expect(ready.when({ type: "component.removed" }, changed).when(exited(0), EMPTIED).state).toBe(
      "pending",
    );
    expect(ready.when({ type: "component.moved", place: 4 })).toMatchObject({
      state: "ready",
      context: { place: 4 },
      effects: [],
    });
    expect(
      started(UNASKED).when(exited(0), EMPTIED).when({ type: "component.removed" }).state,
    ).toBe("removed");
  });

  it("drains gently, and starts again with the next daemon", () => {
    const draining = started()
      .when(READY)
      .when({ type: "component.drain_requested", timeoutMs: 5 });
    expect(draining).toMatchObject({
      state: "draining",
      effects: [
        { type: "stopProbes" },
        { type: "stopIncarnation", params: { signal: "TERM", timeoutMs: 5 } },
      ],
    });
    const stopped = draining.when(exited(0), EMPTIED);
    expect(stopped.state).toBe("stopped");
    const booted = {
      type: "environment.booted",
      found: { kind: "none" },
      newMachineBoot: false,
    } as const;
    expect(stopped.when(booted).state).toBe("pending");
  });

  it.each([
    ["proven", { kind: "proven", pids: [7] }, ["stopIncarnation"]],
    ["unproven", { kind: "unproven", pid: 7 }, ["watchUnproven"]],
  ] as const)(
    "that an earlier daemon started and that is %s is ended before the next begins",
    (_, found, effects) => {
      const booted = started()
        .when(READY)
        .when({ type: "environment.booted", found, newMachineBoot: false });
      expect(booted.state).toBe("ending");
      expect(names(booted.effects)).toEqual([...effects]);
      expect(booted.when(EMPTIED)).toMatchObject({
        state: "pending",
        context: { open: undefined },
      });
    },
  );
});
