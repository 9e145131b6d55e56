import { and, assign, createMachine, not, or, setup } from "xstate";
import { describe, expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { compareGraphs, edgeInWords } from "../../src/diagram/compare.ts";
import { graphOf, type MachineGraph } from "../../src/diagram/graph.ts";
import { mermaidOf } from "../../src/diagram/mermaid.ts";
import { reachIn } from "../../src/diagram/reach.ts";

const told = ({ edges }: MachineGraph): string[] => edges.map(edgeInWords);

const service = graphOf(machines.service.machine, machines.service.version);

describe("a graph", () => {
  it("has the states of a flat machine in their order, and each edge with guard, actions and effects", () => {
    expect(service.initial).toBe("pending");
    expect(service.nodes.map(({ id }) => id)).toEqual([
      "pending",
      "starting",
      "running",
      "crashed",
      "restarting",
      "stopping",
      "stopped",
      "failed",
      "deleted",
    ]);
    expect(service.nodes.at(-1)).toMatchObject({ kind: "final" });
    expect(
      service.edges.find(
        ({ from, event, to }) =>
          from === "running" && event === "process.exited" && to === "crashed",
      ),
    ).toMatchObject({
      kind: "event",
      guard: "current and exitIs(retry)",
      actions: ["stopProbes", "emptyIncarnation", "exited", "explainExit", "countFailure"],
      effects: ["stopProbes", "emptyIncarnation"],
    });
    expect(new Set(service.edges.map(({ id }) => id)).size).toBe(service.edges.length);
  });

  it("knows nested, parallel, history and final states by their paths", () => {
    const machine = createMachine({
      id: "m",
      type: "parallel",
      states: {
        a: {
          initial: "one",
          states: { one: { on: { GO: "two" } }, two: { type: "final" }, back: { type: "history" } },
        },
        b: { description: "the other half", tags: ["half"] },
      },
    });
    const { initial, nodes } = graphOf(machine);

    expect(initial).toBe("");
    expect(nodes.map(({ id, kind, parent }) => [id, kind, parent])).toEqual([
      ["a", "compound", undefined],
      ["a.one", "atomic", "a"],
      ["a.two", "final", "a"],
      ["a.back", "history", "a"],
      ["b", "atomic", undefined],
    ]);
    expect(nodes.at(-1)).toMatchObject({ description: "the other half", tags: ["half"] });
  });

  it("says in words what XState calls by names of its own", () => {
    const machine = createMachine({
      id: "m",
      initial: "a",
      states: {
        a: {
          after: { 500: "b" },
          always: { guard: "isReady", target: "b" },
          on: { "*": "c", NO: undefined },
        },
        b: { invoke: { src: "work", id: "work", onDone: "c", onError: { target: "a" } } },
        c: { initial: "d", states: { d: { type: "final" } }, onDone: "a" },
      },
    } as never);

    expect(told(graphOf(machine))).toEqual([
      "a —always→ b if isReady",
      "a —*→ c",
      "a —after 500→ b",
      "b —done: work→ c",
      "b —error: work→ a",
      "c —done: m.c→ a",
    ]);
    expect(graphOf(machine).edges.map(({ kind }) => kind)).toEqual([
      "always",
      "event",
      "after",
      "done",
      "error",
      "done",
    ]);
    expect(graphOf(machine).nodes[0]).toMatchObject({ entry: [], exit: [] });
  });

  it("writes guards as they were combined, and names what has no name (inline)", () => {
    const machine = setup({
      guards: { x: () => true, y: (_, _params: { n: number }) => true },
    }).createMachine({
      id: "m",
      initial: "a",
      states: {
        a: {
          on: {
            AND: { guard: and(["x", { type: "y", params: { n: 2 } }]), target: "b" },
            OR: { guard: or(["x", not("x")]), target: "b" },
            FUN: { guard: () => true, actions: [() => {}, assign({})], target: "b" },
          },
        },
        b: {},
      },
    });

    expect(told(graphOf(machine))).toEqual([
      "a —AND→ b if x and y(2)",
      "a —OR→ b if x or not x",
      "a —FUN→ b if (inline)",
    ]);
    expect(graphOf(machine).edges[2]).toMatchObject({
      actions: ["(inline)", "assign"],
      effects: ["(inline)"],
    });
  });

  it("tells what leaves a state from what keeps it, and what holds in any state", () => {
    const machine = createMachine({
      id: "m",
      initial: "a",
      on: { RESET: ".a" },
      states: { a: { on: { STAY: { actions: "note" }, AGAIN: { target: "a", reenter: true } } } },
    });
    const { edges, nodes } = graphOf(machine);

    expect(edges.map(({ event, isInternal = false }) => [event, isInternal])).toEqual([
      ["RESET", false],
      ["STAY", true],
      ["AGAIN", false],
    ]);
    expect(edges[0]).toMatchObject({ from: "(any state)", to: "a" });
    expect(nodes.map(({ id }) => id)).toEqual(["(any state)", "a"]);
  });
});

describe("what can be reached", () => {
  const graph = (edges: string[], initial = "a"): MachineGraph => {
    const pairs = edges.map((edge) => edge.split(">") as [string, string]);
    const ids = [...new Set(["a", ...pairs.flat()])];
    return {
      id: "m",
      initial,
      nodes: ids.map((id) => ({
        id,
        label: id,
        kind: id === "end" ? "final" : "atomic",
        entry: [],
        exit: [],
        tags: [],
      })),
      edges: pairs.map(([from, to]) => ({
        id: `${from}>${to}`,
        from,
        to,
        event: "E",
        kind: "event",
        actions: [],
        effects: [],
      })),
    };
  };

  it("in our machines is every state, and stopped from each", () => {
    expect(reachIn(service)).toEqual({ unreachable: [], goal: "stopped", cannot_reach_goal: [] });
  });

  it("leaves out what nothing leads to, and what leads to no end", () => {
    expect(reachIn(graph(["a>b", "b>end", "c>a", "a>trap", "trap>trap"]))).toEqual({
      unreachable: ["c"],
      goal: "end",
      cannot_reach_goal: ["trap"],
    });
    expect(reachIn(graph(["a>stopped", "a>b"]))).toMatchObject({
      goal: "stopped",
      cannot_reach_goal: ["b"],
    });
    expect(reachIn(graph(["a>b"]))).toEqual({ unreachable: [], goal: null, cannot_reach_goal: [] });
    expect(reachIn(graph(["a>b", "b>a"]), "b")).toMatchObject({ goal: "b", cannot_reach_goal: [] });
  });
});

describe("two graphs", () => {
  it("that are the same have no changes", () => {
    expect(Object.values(compareGraphs(service, service)).flat()).toEqual([]);
  });

  it("differ in what was added and removed, by states, event and guard", () => {
    const without = {
      ...service,
      edges: service.edges.slice(1),
      nodes: service.nodes.slice(0, -1),
    };

    expect(compareGraphs(service, without)).toMatchObject({
      edges_removed: [service.edges[0]],
      nodes_removed: ["deleted"],
      edges_added: [],
      nodes_added: [],
    });
    expect(compareGraphs(without, service)).toMatchObject({
      edges_added: [service.edges[0]],
      nodes_added: ["deleted"],
      edges_removed: [],
    });
  });
});

describe("mermaid", () => {
  it("has states, their beginning and end, and one line from each to each, counted where that is known", () => {
    const machine = createMachine({
      id: "m",
      initial: "off",
      states: { off: { on: { PUSH: "on", "a:b": "on" } }, on: { type: "final" } },
    });

    expect(
      mermaidOf(graphOf(machine), {
        current: "on",
        counts: [{ from: "off", to: "on", event: "PUSH", count: 3 }],
      }),
    ).toBe(`stateDiagram-v2
  direction TB
  state "off" as off
  state "on" as on
  on --> [*]
  [*] --> off
  off --> on : PUSH ×3<br/>a#58;b ×0
  classDef current fill:#e3f3ec,stroke:#17694f,stroke-width:3px
  class on current
`);
  });
});
