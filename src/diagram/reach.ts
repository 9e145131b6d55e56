import type { GraphNode, MachineGraph } from "./graph.ts";

/** What can be reached in a machine, guards taken as if they let everything through. */
export interface Reach {
  /** States that nothing leads to from the beginning. */
  unreachable: readonly string[];
  /** The state that all should lead to: `stopped` where there is one; null where there is none and no final state either. */
  goal: string | null;
  /** Reachable states from which it, or any final state, cannot be reached. */
  cannot_reach_goal: readonly string[];
}

/**
 * Walks a machine.
 *
 * @param goal the state that every other must lead to; by default `stopped`, else any final state
 */
export function reachIn(graph: MachineGraph, goal?: string): Reach {
  const forward = neighbours(graph, ({ from, to }) => [from, to]);
  const begin = graph.initial === "" ? graph.nodes.map(({ id }) => id) : [graph.initial];
  const reached = closed(begin, forward);
  const states = graph.nodes.filter(isPlace).map(({ id }) => id);
  const named = goal ?? (states.includes("stopped") ? "stopped" : undefined);
  const finals = graph.nodes.filter(({ kind }) => kind === "final").map(({ id }) => id);
  const goals = named === undefined ? finals : [named, ...finals];
  const backward = closed(
    goals,
    neighbours(graph, ({ from, to }) => [to, from]),
  );
  const told = named ?? (finals.length > 0 ? finals.join(" or ") : null);
  return {
    unreachable: states.filter((id) => !reached.has(id)),
    goal: told,
    cannot_reach_goal:
      told === null ? [] : states.filter((id) => reached.has(id) && !backward.has(id)),
  };
}

/** Where a machine can be: not what only holds others, remembers, or stands for all of them. */
const isPlace = ({ id, kind }: GraphNode): boolean => kind !== "history" && !id.startsWith("(");

/** Who is in a state is in those around it, so what leads from those leads from it; who enters one that holds others enters the others. */
function neighbours(
  { nodes, edges }: MachineGraph,
  direction: (edge: { from: string; to: string }) => [string, string],
): Map<string, string[]> {
  const all = new Map<string, string[]>();
  const add = (from: string, to: string): void =>
    void all.set(from, [...(all.get(from) ?? []), to]);
  for (const edge of edges) add(...direction(edge));
  for (const { id, parent } of nodes) {
    if (parent !== undefined) {
      add(id, parent);
      add(parent, id);
    }
    if (nodes.some((one) => one.id.startsWith("(")))
      add(...direction({ from: id, to: "(any state)" }));
  }
  return all;
}

function closed(
  begin: readonly string[],
  next: ReadonlyMap<string, readonly string[]>,
): Set<string> {
  const seen = new Set(begin);
  for (const id of seen) for (const other of next.get(id) ?? []) seen.add(other);
  return seen;
}
