import type { ELK, ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api.js";

/** A box to be placed. Sizes in pixels. */
export interface Box {
  id: string;
  width: number;
  height: number;
  /** The box it lies in, which grows to hold it. */
  parent?: string | undefined;
}

/** A line between two boxes. */
export interface Link {
  id: string;
  from: string;
  to: string;
  /** Size of the text that stands beside it. */
  label?: { width: number; height: number } | undefined;
}

export interface Point {
  x: number;
  y: number;
}

export interface PlacedBox extends Point {
  id: string;
  width: number;
  height: number;
}

export interface PlacedLink {
  id: string;
  /** Corners of the line, from its beginning to its end. */
  points: readonly Point[];
  /** Upper left corner of its text. */
  label?: Point;
}

/** A drawing: places are of the whole, not of the box around. */
export interface Layout {
  width: number;
  height: number;
  boxes: ReadonlyMap<string, PlacedBox>;
  links: ReadonlyMap<string, PlacedLink>;
}

export interface LayoutOptions {
  direction: "RIGHT" | "DOWN";
  /** Pixels between boxes of one layer, and between layers. */
  between: number;
  layers: number;
  /** What is named first stands first, also where that makes lines lead back. */
  keepsOrder?: boolean;
  /** Room for a title above what lies in a box. */
  title?: number;
}

/**
 * Places boxes in layers and leads lines around them, so that neither boxes nor texts overlap.
 *
 * @param elk in a page with its work in a thread of its own: 200 boxes take half a second
 */
export async function layOut(
  elk: Pick<ELK, "layout">,
  boxes: readonly Box[],
  links: readonly Link[],
  options: LayoutOptions,
): Promise<Layout> {
  const known = new Set(boxes.map(({ id }) => id));
  const edges = links.filter(({ from, to }) => known.has(from) && known.has(to)).map(edgeOf);
  const root: ElkNode = {
    id: ROOT,
    layoutOptions: optionsOf(options),
    children: childrenOf(undefined, boxes, options),
    edges,
  };
  return placed(await elk.layout(root));
}

const ROOT = "";

const optionsOf = ({
  direction,
  between,
  layers,
  keepsOrder = false,
}: LayoutOptions): Record<string, string> => ({
  ...(keepsOrder && { "elk.layered.cycleBreaking.strategy": "MODEL_ORDER" }),
  "elk.algorithm": "layered",
  "elk.direction": direction,
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.spacing.nodeNode": String(between),
  "elk.spacing.edgeNode": "18",
  "elk.spacing.edgeEdge": "12",
  "elk.spacing.edgeLabel": "4",
  "elk.layered.spacing.nodeNodeBetweenLayers": String(layers),
  "elk.layered.spacing.edgeNodeBetweenLayers": "18",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "12",
  ...(keepsOrder && { "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES" }),
  "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF",
  "elk.layered.nodePlacement.bk.fixedAlignment": "BALANCED",
  "elk.edgeLabels.placement": "CENTER",
  "elk.separateConnectedComponents": "true",
  "elk.padding": "[top=16,left=16,bottom=16,right=16]",
});

function childrenOf(
  parent: string | undefined,
  boxes: readonly Box[],
  options: LayoutOptions,
): ElkNode[] {
  return boxes
    .filter((box) => box.parent === parent)
    .map(({ id, width, height }) => {
      const children = childrenOf(id, boxes, options);
      const padding = `[top=${(options.title ?? 0) + 16},left=16,bottom=16,right=16]`;
      if (children.length === 0) return { id, width, height };
      return {
        id,
        children,
        layoutOptions: {
          "elk.padding": padding,
          "elk.nodeSize.constraints": "MINIMUM_SIZE",
          "elk.nodeSize.minimum": `(${width},${height})`,
        },
      };
    });
}

const edgeOf = ({ id, from, to, label }: Link): ElkExtendedEdge => ({
  id,
  sources: [from],
  targets: [to],
  ...(label && { labels: [{ id: `${id} text`, text: " ", ...label }] }),
});

function placed(root: ElkNode): Layout {
  const boxes = new Map<string, PlacedBox>();
  const walk = (node: ElkNode, x: number, y: number): void => {
    for (const child of node.children ?? []) {
      const at = { x: x + (child.x ?? 0), y: y + (child.y ?? 0) };
      boxes.set(child.id, {
        id: child.id,
        ...at,
        width: child.width ?? 0,
        height: child.height ?? 0,
      });
      walk(child, at.x, at.y);
    }
  };
  walk(root, 0, 0);
  const links = new Map<string, PlacedLink>();
  for (const edge of root.edges ?? []) links.set(edge.id, linkOf(edge, boxes));
  return { width: root.width ?? 0, height: root.height ?? 0, boxes, links };
}

/** Where ELK counts the places of an edge from the box that holds both ends, it names that box. */
function linkOf(edge: ElkExtendedEdge, boxes: ReadonlyMap<string, PlacedBox>): PlacedLink {
  const { container } = edge as { container?: string };
  const origin = (container === undefined ? undefined : boxes.get(container)) ?? { x: 0, y: 0 };
  const moved = ({ x, y }: Point): Point => ({ x: x + origin.x, y: y + origin.y });
  const points = (edge.sections ?? []).flatMap(({ startPoint, bendPoints, endPoint }) =>
    [startPoint, ...(bendPoints ?? []), endPoint].map(moved),
  );
  const [label] = edge.labels ?? [];
  const place = label && moved({ x: label.x ?? 0, y: label.y ?? 0 });
  return { id: edge.id, points, ...(place && { label: place }) };
}

/** A line with its corners rounded, as the `d` of an SVG path. */
export function pathOf(points: readonly Point[], radius = 8): string {
  const [start, ...rest] = points;
  if (!start) return "";
  let path = `M${start.x} ${start.y}`;
  rest.forEach((corner, index) => {
    const before = points[index] ?? start;
    const after = rest[index + 1];
    if (!after) {
      path += `L${corner.x} ${corner.y}`;
      return;
    }
    const into = towards(corner, before, radius);
    const out = towards(corner, after, radius);
    path += `L${into.x} ${into.y}Q${corner.x} ${corner.y} ${out.x} ${out.y}`;
  });
  return path;
}

/** The point so far from one on the way to another; half the way at most. */
function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  if (length === 0) return from;
  const share = Math.min(distance, length / 2) / length;
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}
