import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { type Box, pathOf, type PlacedBox } from "../../../diagram/layout.ts";
import type { MachineGraph } from "../../../diagram/graph.ts";
import type { EdgeCount } from "../data/wire.ts";
import { Canvas } from "../parts/canvas.tsx";
import { Trouble } from "../parts/empty.tsx";
import { toneOf } from "../parts/phase.tsx";
import { useLayout } from "../parts/use-layout.ts";
import { type ChartEdge, chartEdges, edgeText, widthOf } from "./chart-edges.ts";

interface ChartOf {
  graph: MachineGraph;
  /** The state that is lit. */
  current: string | undefined;
  counts?: readonly EdgeCount[] | undefined;
  /** Also edges that were never taken, dashed. */
  showAll: boolean;
  onEdge?: (edge: ChartEdge) => void;
  /** Edges and states that are new, or gone, as against another machine. */
  marks?: { readonly added: ReadonlySet<string>; readonly removed: ReadonlySet<string> };
}

const LETTER = 6.4;
const LINE = 14;
const OPTIONS = {
  keepsOrder: true,
  direction: "DOWN",
  between: 44,
  layers: 34,
  title: 26,
} as const;

/** A statechart. */
export function Chart({ graph, current, counts, showAll, onEdge, marks }: ChartOf): JSX.Element {
  const edges = useMemo(() => chartEdges(graph, counts), [graph, counts]);
  const drawn = useMemo(
    () =>
      edges.filter(
        ({ count, id }) => showAll || count > 0 || counts === undefined || marks?.removed.has(id),
      ),
    [edges, showAll, counts],
  );
  const nodes = useMemo(
    () => (showAll ? graph.nodes : statesIn(graph, drawn, current)),
    [graph, drawn, showAll, current],
  );
  const key = JSON.stringify([
    nodes.map(({ id, parent }) => [id, parent]),
    drawn.map((edge) => [edge.id, edgeText(edge).map((line) => line.length)]),
  ]);
  const { layout, problem } = useLayout(key, () => ({
    boxes: nodes.map(boxOf),
    links: drawn.map(linkOf),
    options: OPTIONS,
  }));
  if (problem !== undefined) return <Trouble text={problem} />;
  if (!layout) return <p class="drawing">Drawing the machine…</p>;
  return (
    <Canvas
      width={layout.width}
      height={layout.height}
      label={`States of the machine ${graph.id}`}
      fitKey={graph.id}
      smallestFit={0.3}
    >
      <svg
        class="chart"
        width={layout.width}
        height={layout.height}
        role="img"
        aria-label={current === undefined ? graph.id : `${graph.id} is ${current}`}
      >
        <defs>
          {["plain", "never", "added", "removed"].map((tone) => (
            <marker
              key={tone}
              id={`edge-${tone}`}
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path class={`edge-head edge-head-${tone}`} d="M0 0L8 4L0 8z" />
            </marker>
          ))}
        </defs>
        {nodes.map((node) => {
          const box = layout.boxes.get(node.id);
          return (
            box && (
              <State
                key={node.id}
                box={box}
                label={node.label}
                kind={node.kind}
                isCurrent={isIn(current, node.id)}
                isInitial={graph.initial === node.id}
                {...(marks && { tone: toneIn(marks, node.id) })}
              />
            )
          );
        })}
        {drawn.map((edge) => {
          const link = layout.links.get(edge.id);
          return (
            link && (
              <Edge
                key={edge.id}
                edge={edge}
                path={pathOf(link.points)}
                label={link.label}
                isKnown={counts !== undefined}
                onEdge={onEdge}
                tone={marks && toneIn(marks, edge.id)}
              />
            )
          );
        })}
      </svg>
    </Canvas>
  );
}

/** States that something led to or from, where one is, and those around them. */
function statesIn(
  { nodes }: MachineGraph,
  edges: readonly ChartEdge[],
  current: string | undefined,
): MachineGraph["nodes"] {
  const seen = new Set([...edges.flatMap(({ from, to }) => [from, to]), current]);
  const isShown = ({ id }: MachineGraph["nodes"][number]): boolean =>
    seen.has(id) || nodes.some((one) => one.parent === id && isShown(one));
  return nodes.filter(isShown);
}

const isIn = (current: string | undefined, id: string): boolean =>
  current === id || current?.startsWith(`${id}.`) === true;

const toneIn = (
  { added, removed }: NonNullable<ChartOf["marks"]>,
  id: string,
): string | undefined => (added.has(id) ? "added" : removed.has(id) ? "removed" : undefined);

const boxOf = ({ id, label, parent }: MachineGraph["nodes"][number]): Box => ({
  id,
  width: Math.max(96, label.length * 8 + 32),
  height: 40,
  parent,
});

function linkOf(edge: ChartEdge) {
  const lines = edgeText(edge);
  const width = Math.max(...lines.map((line) => line.length)) * LETTER + 10;
  return {
    id: edge.id,
    from: edge.from,
    to: edge.to,
    label: { width, height: lines.length * LINE + 4 },
  };
}

function State({
  box,
  label,
  kind,
  isCurrent,
  isInitial,
  tone,
}: {
  box: PlacedBox;
  label: string;
  kind: string;
  isCurrent: boolean;
  isInitial: boolean;
  tone?: string | undefined;
}): JSX.Element {
  const holds = kind === "compound" || kind === "parallel";
  return (
    <g
      class={`state ${toneOf(label)}${isCurrent ? " state-current" : ""}${tone ? ` state-${tone}` : ""}${holds ? " state-holds" : ""}`}
      transform={`translate(${box.x} ${box.y})`}
      data-state={label}
      data-current={isCurrent}
    >
      <rect
        width={box.width}
        height={box.height}
        rx={holds ? 10 : Math.min(20, box.height / 2)}
        class={kind === "parallel" ? "state-parallel" : ""}
      />
      {kind === "final" && (
        <rect
          x={3}
          y={3}
          width={box.width - 6}
          height={box.height - 6}
          rx={17}
          class="state-final"
        />
      )}
      {isInitial && <circle cx={-8} cy={box.height / 2} r={4} class="state-initial" />}
      <text x={box.width / 2} y={holds ? 20 : box.height / 2 + 4.5} text-anchor="middle">
        {label}
      </text>
    </g>
  );
}

interface EdgeOf {
  edge: ChartEdge;
  path: string;
  label: { x: number; y: number } | undefined;
  isKnown: boolean;
  onEdge: ((edge: ChartEdge) => void) | undefined;
  tone: string | undefined;
}

function Edge({ edge, path, label, isKnown, onEdge, tone }: EdgeOf): JSX.Element {
  const isNever = isKnown && edge.count === 0;
  const head = tone ?? (isNever ? "never" : "plain");
  const lines = edgeText(edge);
  const press = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    onEdge?.(edge);
  };
  return (
    <g
      class={`edge edge-${head}${onEdge ? " edge-open" : ""}`}
      data-edge={edge.id}
      data-count={edge.count}
      {...(onEdge && { tabIndex: 0, role: "button", onKeyDown: press })}
      aria-label={`${lines.join("")}: ${edge.from} to ${edge.to}, taken ${edge.count} times`}
      onClick={() => onEdge?.(edge)}
    >
      <title>{edgeTitle(edge)}</title>
      <path class="edge-reach" d={path} />
      <path
        class="edge-line"
        d={path}
        stroke-width={widthOf(isKnown ? edge.count : 0)}
        marker-end={`url(#edge-${head})`}
      />
      {label && (
        <text x={label.x + 5} y={label.y + 11}>
          {lines.map((line, index) => (
            <tspan key={line} x={label.x + 5} dy={index === 0 ? 0 : LINE}>
              {line}
            </tspan>
          ))}
        </text>
      )}
    </g>
  );
}

/** All that leads along an edge, with guards and effects. */
const edgeTitle = ({ from, to, events }: ChartEdge): string =>
  [
    `${from} → ${to}`,
    ...events.map(({ event, count, guards, effects }) =>
      [
        `${event} ×${count}`,
        guards.length > 0 && `  if ${guards.join("; or ")}`,
        effects.length > 0 && `  then ${effects.join(", ")}`,
      ]
        .filter(Boolean)
        .join("\n"),
    ),
  ].join("\n");
