import type { AnyStateMachine } from "xstate";
import type { ServiceDefinition } from "../../../machines/definition.ts";
import { violation } from "./rules.ts";
import { moves } from "./moves.ts";
import { birth, type Move, type Node, phaseOf, take } from "./world.ts";

/** One event at one node. */
interface Arc {
  move: Move;
  /** Phase after it; absent where it was refused. */
  phase: string | undefined;
  /** The node it leads to; absent where it was refused, or where the world cannot send it. */
  to: string | undefined;
}

export interface Graph {
  definition: ServiceDefinition;
  root: string;
  nodes: Map<string, Node>;
  arcs: Map<string, Arc[]>;
  violations: string[];
}

interface Explored {
  graph: Graph;
  /** Stops at the first violation. */
  hasty: boolean;
}

/** Every node that can be reached, breadth-first, and every event at each of them. */
export function explore(machine: AnyStateMachine, definition: ServiceDefinition): Graph {
  const root = birth(definition);
  const graph: Graph = {
    definition,
    root: root.key,
    nodes: new Map([[root.key, root]]),
    arcs: new Map(),
    violations: [],
  };
  spread(machine, { graph, hasty: false }, [root]);
  return graph;
}

function spread(machine: AnyStateMachine, { graph, hasty }: Explored, queue: Node[]): void {
  for (const node of queue) {
    const arcs: Arc[] = [];
    graph.arcs.set(node.key, arcs);
    for (const move of moves(graph.definition, node)) {
      const arc = follow(machine, graph, node, move, queue);
      arcs.push(arc);
      if (hasty && graph.violations.length > 0) return;
    }
  }
}

function follow(
  machine: AnyStateMachine,
  graph: Graph,
  node: Node,
  move: Move,
  queue: Node[],
): Arc {
  const step = take(machine, graph.definition, node, move);
  const broken = violation(step);
  if (broken) graph.violations.push(broken);
  const to = step.taken && move.honest ? step.after.key : undefined;
  if (to !== undefined && !graph.nodes.has(to)) {
    graph.nodes.set(to, step.after);
    queue.push(step.after);
  }
  return { move, phase: step.taken ? phaseOf(step.after) : undefined, to };
}

/**
 * What becomes of a graph where the machine differs in what one phase makes of one type of event: only that is stepped again.
 *
 * @returns the first violation, or the graph as it is then
 */
export function explored(
  base: Graph,
  machine: AnyStateMachine,
  { phase, type }: { phase: string; type: string },
): Graph | string {
  const graph: Graph = { ...base, nodes: new Map(base.nodes), arcs: new Map(), violations: [] };
  const queue: Node[] = [];
  for (const [key, node] of base.nodes) {
    if (phaseOf(node) !== phase) continue;
    const arcs = (base.arcs.get(key) ?? []).map((arc) =>
      arc.move.event.type === type ? follow(machine, graph, node, arc.move, queue) : arc,
    );
    if (graph.violations[0]) return graph.violations[0];
    graph.arcs.set(key, arcs);
  }
  for (const [key, arcs] of base.arcs) if (!graph.arcs.has(key)) graph.arcs.set(key, arcs);
  spread(machine, { graph, hasty: true }, queue);
  return graph.violations[0] ?? graph;
}

/** Nodes from which a goal can be reached along arcs of a kind. */
function reaches(
  graph: Graph,
  within: ReadonlySet<string>,
  goal: (node: Node) => boolean,
  along: (arc: Arc) => boolean,
): Set<string> {
  const into = new Map<string, string[]>();
  for (const key of within)
    for (const arc of graph.arcs.get(key) ?? [])
      if (arc.to !== undefined && arc.to !== key && along(arc)) {
        const list = into.get(arc.to);
        if (list) list.push(key);
        else into.set(arc.to, [key]);
      }
  const found = new Set([...within].filter((key) => goal(graph.nodes.get(key) as Node)));
  for (const key of found) for (const before of into.get(key) ?? []) found.add(before);
  return found;
}

/** All nodes that the root leads to, along arcs of a kind. */
function reachable(graph: Graph, roots: readonly string[], along: (arc: Arc) => boolean) {
  const found = new Set(roots);
  for (const key of found)
    for (const arc of graph.arcs.get(key) ?? [])
      if (arc.to !== undefined && along(arc)) found.add(arc.to);
  return found;
}

const byPerson = ({ move }: Arc): boolean =>
  move.event.type.startsWith("service.") && move.event.type !== "service.drain_requested";
const byBoot = ({ move }: Arc): boolean => move.event.type === "environment.booted";
const byDrain = ({ move }: Arc): boolean => move.event.type === "service.drain_requested";
const byReport = (arc: Arc): boolean =>
  !byPerson(arc) &&
  !byBoot(arc) &&
  !byDrain(arc) &&
  arc.move.event.type !== "process.spawn_requested";
const byItself = (arc: Arc): boolean => !byPerson(arc) && !byBoot(arc) && !byDrain(arc);

/** What must be possible from wherever one is; the first node where it is not. */
const promises: readonly {
  says: string;
  from: (node: Node) => boolean;
  goal: (node: Node) => boolean;
  along: (arc: Arc) => boolean;
}[] = [
  {
    says: "what is wished to be stopped becomes stopped by honest reports alone",
    from: ({ snapshot: { context } }) => context.desired === "stopped",
    goal: (node) => phaseOf(node) === "stopped" || phaseOf(node) === "deleted",
    along: byReport,
  },
  {
    says: "what is wished to run comes up without a person, or ends as its policy says (I6)",
    from: ({ snapshot: { context } }) => context.desired === "running" && !context.deleting,
    goal: (node) => ["running", "failed", "stopped"].includes(phaseOf(node)),
    along: byItself,
  },
  {
    says: "a next boot brings up what a shutdown stopped",
    from: ({ snapshot: { value, context } }) => value === "stopped" && context.ending === "drained",
    goal: (node) => phaseOf(node) === "running" || contextEnds(node),
    along: (arc) => byItself(arc) || byBoot(arc),
  },
  {
    says: "there is no dead end but deleted",
    from: () => true,
    goal: (node) => phaseOf(node) === "deleted",
    along: () => true,
  },
  {
    says: "a person's start brings up whatever is not being deleted",
    from: ({ snapshot: { context } }) => !context.deleting,
    goal: (node) => phaseOf(node) === "running",
    along: (arc) => byItself(arc) || arc.move.event.type === "service.start_requested",
  },
];

const contextEnds = ({ snapshot: { context } }: Node): boolean => context.ending === "succeeded";

/** The first promise that some reachable node breaks. */
export function brokenPromise(graph: Graph): string | undefined {
  const within = reachable(graph, [graph.root], () => true);
  for (const { says, from, goal, along } of promises) {
    const good = reaches(graph, within, goal, along);
    for (const key of within)
      if (!good.has(key) && from(graph.nodes.get(key) as Node)) return `${says}: not from [${key}]`;
  }
  return undefined;
}
