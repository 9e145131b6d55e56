import type { ELK } from "elkjs/lib/elk-api.js";
import type { GraphEdge, GraphNode, MachineGraph } from "./graph.ts";
import { type Box, layOut, type Link, pathOf, type Point } from "./layout.ts";
import { countOf, edgesByPair, type Lit } from "./mermaid.ts";

const LETTER = 6.7;
const LINE = 14;
const MOST = 3;

const STYLE = `
  svg { font: 11px ui-monospace, Menlo, Consolas, monospace; background: #fff }
  .state rect { fill: #fff; stroke: #8a948d; stroke-width: 1.5 }
  .state text { font: 600 13px system-ui, sans-serif; fill: #1b211d; text-anchor: middle }
  .current rect { fill: #d3ebe1; stroke: #17694f; stroke-width: 3 }
  .edge path { fill: none; stroke: #3f7f6b } .edge text { fill: #1b211d } .head { fill: #3f7f6b }
  .never path { stroke: #8a948d; stroke-dasharray: 4 4 } .never text { fill: #535d56 }
  @media (prefers-color-scheme: dark) {
    svg { background: #141816 } .state rect { fill: #1c211e } .state text, .edge text { fill: #e6ebe7 }
    .current rect { fill: #1f3a32; stroke: #57c79e } .edge path { stroke: #5cc3a5 } .head { fill: #5cc3a5 } .never text { fill: #a3aea7 }
  }
`;

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
const round = (value: number): number => Math.round(value * 10) / 10;

/** A machine as a picture: the state it is in lit, edges the wider the oftener they were taken, dashed where never. */
export async function svgOf(
  elk: Pick<ELK, "layout">,
  graph: MachineGraph,
  lit: Lit = {},
): Promise<string> {
  const pairs = [...edgesByPair(graph)];
  const links = pairs.map(([id, edges]) => linkOf(id, edges, lit));
  const drawn = await layOut(elk, graph.nodes.map(boxOf), links, {
    direction: "DOWN",
    between: 44,
    layers: 34,
    title: 26,
    keepsOrder: true,
  });
  const states = graph.nodes.map((node) => stateSvg(node, drawn.boxes.get(node.id), lit.current));
  const edges = pairs.map(([id, all]) => edgeSvg(all, drawn.links.get(id), lit));
  const [width, height] = [Math.ceil(drawn.width), Math.ceil(drawn.height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(`State machine ${graph.id}`)}">
<style>${STYLE}</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>
${[...states, ...edges].filter(Boolean).join("\n")}
</svg>
`;
}

const boxOf = ({ id, label, parent }: GraphNode): Box => ({
  id,
  width: Math.max(96, label.length * 8 + 32),
  height: 40,
  parent,
});

function linesOf(edges: readonly GraphEdge[], lit: Lit): string[] {
  const all = [...new Set(edges.map(({ event }) => event))].map((event) => {
    const [{ from, to }] = edges as [GraphEdge];
    return { event, count: countOf(lit, from, to, event) };
  });
  const known = all.filter(({ count }) => (count ?? 0) > 0);
  const told = known.length > 0 ? known : all;
  const lines = told
    .slice(0, MOST)
    .map(({ event, count }) => (count === undefined || count === 0 ? event : `${event} ×${count}`));
  return told.length > MOST ? [...lines, `+ ${told.length - MOST} more`] : lines;
}

function linkOf(id: string, edges: readonly GraphEdge[], lit: Lit): Link {
  const [{ from, to }] = edges as [GraphEdge];
  const lines = linesOf(edges, lit);
  return {
    id,
    from,
    to,
    label: {
      width: Math.max(...lines.map((line) => line.length)) * LETTER + 10,
      height: lines.length * LINE + 4,
    },
  };
}

function stateSvg(
  { id, label, kind }: GraphNode,
  box: (Point & { width: number; height: number }) | undefined,
  current: string | undefined,
): string {
  if (!box) return "";
  const [x, y, width, height] = [box.x, box.y, box.width, box.height].map(round) as [
    number,
    number,
    number,
    number,
  ];
  const isIn = current === id || current?.startsWith(`${id}.`) === true;
  const holds = kind === "compound" || kind === "parallel";
  const inner =
    kind === "final"
      ? `<rect x="${x + 3}" y="${y + 3}" width="${width - 6}" height="${height - 6}" rx="17"/>`
      : "";
  return `<g class="state${isIn ? " current" : ""}"><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${holds ? 10 : 20}"/>${inner}<text x="${round(x + width / 2)}" y="${round(holds ? y + 20 : y + height / 2 + 4.5)}">${escaped(label)}</text></g>`;
}

function edgeSvg(
  edges: readonly GraphEdge[],
  link: { points: readonly Point[]; label?: Point } | undefined,
  lit: Lit,
): string {
  if (!link) return "";
  const [{ from, to }] = edges as [GraphEdge];
  const total =
    lit.counts &&
    [...new Set(edges.map(({ event }) => event))].reduce(
      (sum, event) => sum + (countOf(lit, from, to, event) ?? 0),
      0,
    );
  const width = total ? Math.min(6, 1.5 + Math.log10(total) * 1.3) : 1.25;
  const points = link.points.map(({ x, y }) => ({ x: round(x), y: round(y) }));
  const { label } = link;
  const text = label
    ? linesOf(edges, lit)
        .map(
          (line, index) =>
            `<text x="${round(label.x + 5)}" y="${round(label.y + 11 + index * LINE)}">${escaped(line)}</text>`,
        )
        .join("")
    : "";
  return `<g class="edge${total === 0 ? " never" : ""}"><path d="${pathOf(points).replaceAll(/\d+\.\d+/g, (number) => String(round(Number(number))))}" stroke-width="${round(width)}" marker-end="url(#head)"/>${text}</g>`;
}
