import type { GraphEdge, MachineGraph } from "./graph.ts";

/** What one machine has and another has not. */
export interface GraphChanges {
  nodes_added: readonly string[];
  nodes_removed: readonly string[];
  edges_added: readonly GraphEdge[];
  edges_removed: readonly GraphEdge[];
}

/** An edge is the same where states, event and guard are; what it does may have changed. */
const nameOf = ({ from, to, event, guard }: GraphEdge): string =>
  JSON.stringify([from, to, event, guard ?? null]);

const ids = ({ nodes }: MachineGraph): Set<string> => new Set(nodes.map(({ id }) => id));
const names = ({ edges }: MachineGraph): Set<string> => new Set(edges.map(nameOf));

/** What changed from one machine to another. */
export function compareGraphs(before: MachineGraph, after: MachineGraph): GraphChanges {
  const [nodesBefore, nodesAfter] = [ids(before), ids(after)];
  const [edgesBefore, edgesAfter] = [names(before), names(after)];
  return {
    nodes_added: [...nodesAfter].filter((id) => !nodesBefore.has(id)),
    nodes_removed: [...nodesBefore].filter((id) => !nodesAfter.has(id)),
    edges_added: after.edges.filter((edge) => !edgesBefore.has(nameOf(edge))),
    edges_removed: before.edges.filter((edge) => !edgesAfter.has(nameOf(edge))),
  };
}

/** `running —process.exited→ crashed if current` */
export const edgeInWords = ({ from, to, event, guard }: GraphEdge): string =>
  `${from} —${event}→ ${to}${guard === undefined ? "" : ` if ${guard}`}`;
