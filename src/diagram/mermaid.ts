import type { GraphEdge, GraphNode, MachineGraph } from "./graph.ts";

/** What is drawn into a statechart of one actor. */
export interface Lit {
  /** The state it is in. */
  current?: string | undefined;
  /** How often each edge was taken; absent: not known. */
  counts?: readonly { from: string | null; to: string; event: string; count: number }[] | undefined;
}

/** Names that mermaid takes as they are. */
const idOf = (id: string): string => id.replaceAll(/[^A-Za-z0-9_]/g, "_");

/** Letters that end a label, or mean something in it. */
const textOf = (text: string): string =>
  text.replaceAll(/[:;#<>"\n]/g, (one) => `#${one.charCodeAt(0)};`);

/** All that leads from one state to another stands on one line. */
export function edgesByPair(graph: MachineGraph): Map<string, GraphEdge[]> {
  const pairs = new Map<string, GraphEdge[]>();
  for (const edge of graph.edges) {
    if (edge.from === edge.to) continue;
    const pair = `${edge.from} ${edge.to}`;
    pairs.set(pair, [...(pairs.get(pair) ?? []), edge]);
  }
  return pairs;
}

/** How often an edge was taken; undefined where that is not known. */
export const countOf = (
  { counts }: Lit,
  from: string,
  to: string,
  event: string,
): number | undefined =>
  counts &&
  counts
    .filter((one) => one.from === from && one.to === to && one.event === event)
    .reduce((sum, { count }) => sum + count, 0);

/** A machine as a Mermaid state diagram. What keeps a state is left out. Source: mermaid.js.org/syntax/stateDiagram.html. */
export function mermaidOf(graph: MachineGraph, lit: Lit = {}): string {
  const lines = ["stateDiagram-v2", "  direction TB"];
  const inside = (parent: string | undefined, indent: string): void => {
    for (const node of graph.nodes.filter((one) => one.parent === parent)) stateLines(node, indent);
  };
  const stateLines = ({ id, label, kind }: GraphNode, indent: string): void => {
    const holds = graph.nodes.some(({ parent }) => parent === id);
    lines.push(`${indent}state "${textOf(label)}" as ${idOf(id)}${holds ? " {" : ""}`);
    if (holds) {
      inside(id, `${indent}  `);
      lines.push(`${indent}}`);
    }
    if (kind === "final") lines.push(`${indent}${idOf(id)} --> [*]`);
  };
  inside(undefined, "  ");
  if (graph.initial !== "") lines.push(`  [*] --> ${idOf(graph.initial)}`);
  for (const edges of edgesByPair(graph).values()) lines.push(`  ${lineOf(edges, lit)}`);
  if (lit.current !== undefined)
    lines.push(
      "  classDef current fill:#e3f3ec,stroke:#17694f,stroke-width:3px",
      `  class ${idOf(lit.current)} current`,
    );
  return `${lines.join("\n")}\n`;
}

function lineOf(edges: readonly GraphEdge[], lit: Lit): string {
  const [{ from, to }] = edges as [GraphEdge];
  const events = [...new Set(edges.map(({ event }) => event))].map((event) => {
    const count = countOf(lit, from, to, event);
    return textOf(count === undefined ? event : `${event} ×${count}`);
  });
  return `${idOf(from)} --> ${idOf(to)} : ${events.join("<br/>")}`;
}
