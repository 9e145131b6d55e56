import type { MachineGraph } from "../../../diagram/graph.ts";
import type { EdgeCount } from "../data/wire.ts";

/* Edges as they are drawn: all that lead from one state to another are one line, with the events on it. */

export interface ChartEdge {
  id: string;
  from: string;
  to: string;
  /** Types of events, those taken most often first. */
  events: readonly {
    event: string;
    count: number;
    guards: readonly string[];
    effects: readonly string[];
  }[];
  /** How often it was taken in all. */
  count: number;
}

/** @param counts undefined: not known, so that no edge is told as never taken */
export function chartEdges(
  graph: MachineGraph,
  counts: readonly EdgeCount[] | undefined,
): ChartEdge[] {
  const edges = new Map<
    string,
    { from: string; to: string; events: Map<string, { guards: Set<string>; effects: Set<string> }> }
  >();
  for (const { from, to, event, guard, effects } of graph.edges) {
    if (from === to) continue; // what keeps a state is told in the timeline
    const id = `${from}>${to}`;
    const edge = edges.get(id) ?? { from, to, events: new Map() };
    edges.set(id, edge);
    const told = edge.events.get(event) ?? { guards: new Set(), effects: new Set() };
    edge.events.set(event, told);
    if (guard !== undefined) told.guards.add(guard);
    for (const effect of effects) told.effects.add(effect);
  }
  const counted = (from: string, to: string, event: string): number =>
    counts?.find((one) => one.from === from && one.to === to && one.event === event)?.count ?? 0;
  return [...edges].map(([id, { from, to, events }]) => {
    const told = [...events]
      .map(([event, { guards, effects }]) => ({
        event,
        count: counted(from, to, event),
        guards: [...guards],
        effects: [...effects],
      }))
      .toSorted((a, b) => b.count - a.count);
    return { id, from, to, events: told, count: told.reduce((sum, { count }) => sum + count, 0) };
  });
}

/** What is written on an edge: the events that took it, or all of them where none did. */
export function edgeText({ events, count }: ChartEdge, most = 2): string[] {
  const told = count > 0 ? events.filter((one) => one.count > 0) : events;
  const lines = told
    .slice(0, most)
    .map((one) => (one.count > 0 ? `${one.event} ×${one.count.toLocaleString("en")}` : one.event));
  return told.length > most ? [...lines, `+ ${told.length - most} more`] : lines;
}

/** Pixels: the more often, the wider, by powers of ten. */
export const widthOf = (count: number): number =>
  count === 0 ? 1.25 : Math.min(6, 1.5 + Math.log10(count) * 1.3);
