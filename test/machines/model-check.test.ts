import type { AnyStateMachine } from "xstate";
import { describe, expect, it, vi } from "vitest";
import type { ServiceDefinition } from "../../machines/definition.ts";
import { serviceMachine } from "../../machines/service.ts";
import { brokenPromise, explore, explored, type Graph } from "./model/graph.ts";
import {
  actionName,
  type Edge,
  edges,
  forgetting,
  nameOf,
  retargeted,
  unguarded,
  without,
  wrongTargets,
} from "./model/mutants.ts";
import { phaseOf } from "./model/world.ts";

vi.setConfig({ testTimeout: 60_000 });

const probe = { kind: "tcp", port: 8080 } as const;
const health = { probe };

/** One service of each kind that leads to other states. */
const definitions: Record<string, ServiceDefinition> = {
  always: { cmd: "web", health },
  "with readiness": { cmd: "web", ready: probe, health },
  never: { cmd: "web", restart: "never", ready: probe, health },
  "on failure": { cmd: "web", restart: "on-failure" },
  oneshot: { cmd: "web", oneshot: true },
  "at most two failures": { cmd: "web", maxFailures: 2, ready: probe, health },
  "without a first delay": { cmd: "web", backoff: { firstMs: 0 } },
};

const machine = serviceMachine as unknown as AnyStateMachine;
const graphs = Object.entries(definitions).map(
  ([name, definition]) => [name, explore(machine, definition)] as const,
);

/** What the check finds wrong with a machine that differs in one phase's answer to one type of event. */
function fault(mutant: AnyStateMachine, edge: Edge): string | undefined {
  const after: Graph[] = [];
  for (const [, graph] of graphs) {
    const result = explored(graph, mutant, edge);
    if (typeof result === "string") return result;
    after.push(result);
  }
  return after.map(brokenPromise).find((broken) => broken !== undefined);
}

describe.each(graphs)("a service that restarts: %s", (_, graph) => {
  it("keeps every rule at every event of every state", () => {
    expect(graph.violations).toEqual([]);
  });

  it("can be stopped, started and deleted from everywhere, and comes up by itself", () => {
    expect(brokenPromise(graph)).toBeUndefined();
  });

  it("takes only what is an edge of its machine (I13)", () => {
    const drawn = new Set(
      edges.map(({ phase, type, target }) => `${phase} ${type} ${target ?? phase}`),
    );
    const walked = [...graph.arcs].flatMap(([key, arcs]) => {
      const node = graph.nodes.get(key);
      const from = node ? phaseOf(node) : "";
      return arcs.flatMap(({ move, phase }) =>
        phase === undefined ? [] : [`${from} ${move.event.type} ${phase}`],
      );
    });

    expect(walked.filter((edge) => !drawn.has(edge))).toEqual([]);
  });
});

it("goes through every phase", () => {
  const phases = new Set(graphs.flatMap(([, { nodes }]) => [...nodes.values()].map(phaseOf)));

  expect([...phases].toSorted()).toEqual(
    Object.keys(serviceMachine.config.states ?? {}).toSorted(),
  );
});

/** Transitions that no honest world can take: without them nothing changes. */
const NEVER_TAKEN: Record<string, string> = {
  "restarting process.spawn_failed 0":
    "a failure is counted only of what was up, and what was up cannot fail to spawn",
  "stopping process.spawn_failed 1":
    "an end is a failure only of what was up, and what was up cannot fail to spawn",
};

describe("one edge changed", () => {
  it.each(
    edges.filter((edge) => !(nameOf(edge) in NEVER_TAKEN)).map((edge) => [nameOf(edge), edge]),
  )("is found out: %s", (_, edge) => {
    const unnoticed = wrongTargets(edge).filter(
      (target) => fault(retargeted(edge, target), edge) === undefined,
    );

    expect(fault(without(edge), edge), "removed").toBeDefined();
    expect(unnoticed, "led to").toEqual([]);
  });

  it.each(edges.filter((edge) => nameOf(edge) in NEVER_TAKEN).map((edge) => [nameOf(edge), edge]))(
    "makes no difference where the world cannot take it: %s",
    (_, edge) => {
      expect(fault(without(edge), edge)).toBeUndefined();
    },
  );
});

/** Actions and guards that say a second time what holds already. */
const SAID_TWICE: Record<string, string> = {
  "watchUnproven of pending service.stop_requested 0": "the boot began to watch it",
  "watchUnproven of pending service.delete_requested 0": "the boot began to watch it",
  "watchUnproven of stopping service.stop_requested 0": "the boot began to watch it",
  "watchUnproven of stopping service.delete_requested 0": "the boot began to watch it",
  "unproven of pending environment.booted 1": "the same pid is known from the boot before",
  "guard of running service.signal_requested 0": "what runs has a process",
  "stopProbes of running health.failed 0": "a health check that gave up asks no more",
  "stopProbes of running health.failed 1": "a health check that gave up asks no more",
  "stopIncarnation of crashed service.stop_requested 0": "its leftovers are being ended",
  "stopIncarnation of crashed service.delete_requested 0": "its leftovers are being ended",
  "stopIncarnation of crashed service.drain_requested 0": "its leftovers are being ended",
  "stopIncarnation of restarting service.drain_requested 0": "it is being ended",
  "stopIncarnation of restarting process.spawned 0": "the stop waits for the spawn",
  "stopIncarnation of stopping process.spawned 0": "the stop waits for the spawn",
  "freshStart of restarting service.changed 0": "a change forgets failures too",
};

it("notices each action and each guard that is left out, but for those that say a thing twice", () => {
  const unnoticed = edges
    .filter((edge) => !(nameOf(edge) in NEVER_TAKEN))
    .flatMap((edge) => [
      ...edge.actions.map((action, index) => ({
        what: `${actionName(action)} of ${nameOf(edge)}`,
        found: fault(forgetting(edge, index), edge),
      })),
      ...(edge.guarded
        ? [{ what: `guard of ${nameOf(edge)}`, found: fault(unguarded(edge), edge) }]
        : []),
    ])
    .filter(({ found }) => found === undefined)
    .map(({ what }) => what);

  expect(unnoticed.toSorted()).toEqual(Object.keys(SAID_TWICE).toSorted());
});

it.each([
  ["stopping incarnation.emptied 2", "becomes stopped by honest reports alone"],
  ["crashed timer.fired 0", "comes up without a person"],
  ["stopped service.start_requested 0", "a person's start brings up"],
  ["stopped environment.booted 0", "a next boot brings up"],
])("a machine without %s breaks a promise about where it can get to", (name, promise) => {
  const edge = edges.find((other) => nameOf(other) === name) as Edge;

  expect(brokenPromise(explore(without(edge), { cmd: "web" }))).toContain(promise);
});

it("says how much it looked at", () => {
  const states = graphs.reduce((sum, [, { nodes }]) => sum + nodes.size, 0);
  const steps = graphs.reduce((sum, [, { arcs }]) => sum + [...arcs.values()].flat().length, 0);

  expect(states).toBeGreaterThan(3_000);
  expect(steps).toBeGreaterThan(200_000);
});
