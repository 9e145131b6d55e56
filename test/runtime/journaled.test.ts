import { createActor, type InspectionEvent } from "xstate";
import { describe, expect, it } from "vitest";
import { serviceMachine } from "../../machines/service.ts";
import { journaled, type PreparedSteps, Stepper } from "../../src/runtime/journaled.ts";

const ran: unknown[] = [];
const machine = serviceMachine.provide({
  actions: { spawnProcess: (info, params) => void ran.push([info.self.id, params.incarnation]) },
});
const definition = { cmd: "web" };
const birth = { type: "service.created", definition, version: 1, at: 1, id: "ev_1" };
const asked: { type: string; [data: string]: unknown } = {
  type: "process.spawn_requested",
  incarnation: "in_1",
  machineBoot: "b",
  at: 2,
  id: "ev_2",
};

function prepared() {
  const steps: PreparedSteps = new WeakMap();
  const stepper = new Stepper();
  const first = stepper.birth(machine, birth);
  steps.set(birth, first);
  return { steps, stepper, first };
}

describe("the stepper", () => {
  it("collects effects and runs none", () => {
    ran.length = 0;
    const { stepper, first } = prepared();
    const step = stepper.step(machine, first.snapshot, asked);
    expect(step?.snapshot.value).toBe("starting");
    expect(step?.actions.map(({ type }) => type)).toEqual(["spawnProcess"]);
    expect(ran).toEqual([]);
  });

  it("leaves the state it was given as it was", () => {
    const { stepper, first } = prepared();
    const before = JSON.stringify(first.snapshot);
    stepper.step(machine, first.snapshot, asked);
    expect(JSON.stringify(first.snapshot)).toBe(before);
  });

  it("tells an event that has no transition from one that only asks for an effect", () => {
    const { stepper, first } = prepared();
    const starting = stepper.step(machine, first.snapshot, asked);
    if (!starting) throw new Error("not taken");
    const spawned = {
      type: "process.spawned",
      incarnation: "in_1",
      pid: 7,
      startTime: "1",
      wall: 3,
      at: 3,
      id: "ev_3",
    };
    const running = stepper.step(machine, starting.snapshot, spawned);
    if (!running) throw new Error("not taken");
    const signal = { type: "service.signal_requested", signal: "HUP", at: 4, id: "ev_4" };
    expect(
      stepper.step(machine, running.snapshot, signal)?.actions.map(({ type }) => type),
    ).toEqual(["signalProcess"]);
    expect(stepper.step(machine, running.snapshot, asked)).toBeUndefined();
    expect(stepper.step(machine, running.snapshot, { type: "no.such_event" })).toBeUndefined();
  });

  it("throws what a machine throws instead of raising it in the air", () => {
    const { stepper, first } = prepared();
    const broken: object = {
      type: "service.changed",
      at: 1,
      id: "ev_2",
      get start(): boolean {
        throw new Error("a broken guard");
      },
    };
    const stop: { type: string; at: number } = { type: "service.stop_requested", at: 1 };
    const stopped = stepper.step(machine, first.snapshot, stop);
    if (!stopped) throw new Error("not taken");
    expect(() => stepper.step(machine, stopped.snapshot, broken as never)).toThrow(
      "a broken guard",
    );
  });
});

describe("a journaled actor", () => {
  it("answers an event with the step prepared for it and runs that step's effects as itself", () => {
    ran.length = 0;
    const { steps, stepper, first } = prepared();
    const actor = createActor(
      journaled(machine, steps, () => {}),
      { id: "service/web", input: birth },
    ).start();
    const step = stepper.step(machine, first.snapshot, asked);
    if (!step) throw new Error("not taken");
    steps.set(asked, step);
    actor.send(asked);
    expect(actor.getSnapshot()).toBe(step.snapshot);
    expect(actor.getSnapshot().can({ type: "process.lost" })).toBe(false);
    expect(ran).toEqual([["service/web", "in_1"]]);
  });

  it("stays where it is for an event that was never stepped", () => {
    const { steps, first } = prepared();
    const actor = createActor(
      journaled(machine, steps, () => {}),
      { id: "service/web", input: birth },
    ).start();
    actor.send({ ...asked });
    expect(actor.getSnapshot()).toBe(first.snapshot);
  });

  it("shows its events, snapshots and actions to an inspector, after their commit only", () => {
    const { steps, stepper, first } = prepared();
    const seen: InspectionEvent["type"][] = [];
    const actor = createActor(
      journaled(machine, steps, () => {}),
      {
        id: "service/web",
        input: birth,
        inspect: ({ type }) => void seen.push(type),
      },
    ).start();
    seen.length = 0;
    const step = stepper.step(machine, first.snapshot, asked);
    if (!step) throw new Error("not taken");
    steps.set(asked, step);
    expect(seen).toEqual([]);
    actor.send(asked);
    expect(seen).toEqual(
      expect.arrayContaining(["@xstate.event", "@xstate.action", "@xstate.snapshot"]),
    );
  });

  it("reports an effect that throws, and stands where the log says", () => {
    const { steps, stepper, first } = prepared();
    const failed: unknown[] = [];
    const broken = serviceMachine.provide({
      actions: {
        spawnProcess: () => {
          throw new Error("no hands");
        },
      },
    });
    const actor = createActor(
      journaled(
        broken,
        steps,
        (stream, effect, error) => void failed.push([stream, effect, String(error)]),
      ),
      { id: "service/web", input: birth },
    ).start();
    const bound = { ...first.snapshot, machine: broken } as typeof first.snapshot;
    const step = stepper.step(broken, bound, asked);
    if (!step) throw new Error("not taken");
    steps.set(asked, step);
    actor.send(asked);
    expect(failed).toEqual([["service/web", "spawnProcess", "Error: no hands"]]);
    expect(actor.getSnapshot().value).toBe("starting");
    expect(actor.getSnapshot().status).toBe("active");
  });
});
