import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";

/** A state of a statechart. */
export interface GraphNode {
  /** Its path, joined with dots, as the log records states: `running`, `a.b`. */
  id: string;
  label: string;
  kind: "atomic" | "compound" | "parallel" | "final" | "history";
  /** The state it lies in. */
  parent?: string;
  /** Names of actions. */
  entry: readonly string[];
  exit: readonly string[];
  tags: readonly string[];
  description?: string;
}

/** What leads from one state to another, or keeps it. */
export interface GraphEdge {
  /** Unlike that of any other edge, and the same after an edge elsewhere came or went. */
  id: string;
  from: string;
  to: string;
  /** The type of the event; `always`, `after 500`, `done: invoked`, `error: invoked` in words. */
  event: string;
  kind: "event" | "always" | "after" | "done" | "error";
  /** In words; absent: whenever the event comes. */
  guard?: string;
  /** Names of all actions; `(inline)` where one has none. */
  actions: readonly string[];
  /** Those among them that do something outside; the others only change the context. */
  effects: readonly string[];
  /** It has no target: the state is neither left nor entered. */
  isInternal?: boolean;
}

/** A state machine as data: what may be drawn, compared and walked. */
export interface MachineGraph {
  id: string;
  /** Of our machines, as rows have it in `schema`. */
  version?: number;
  /** The state it begins in; "" where all of the root's states are there at once. */
  initial: string;
  nodes: readonly GraphNode[];
  edges: readonly GraphEdge[];
}

/** The root of a statechart is not drawn; what it takes in any state leads from here. */
export const ROOT = "(any state)";

/**
 * Reads a machine of XState 5 as a graph. It is not run.
 *
 * @param version of the machine, where it has one
 */
export function graphOf(machine: AnyStateMachine, version?: number): MachineGraph {
  const { root } = machine;
  const nodes = statesIn(root);
  const edges = withIds([root, ...nodes].flatMap((node) => edgesOf(machine, node)));
  const rooted = edges.some(({ from, to }) => from === ROOT || to === ROOT);
  return {
    id: machine.id,
    ...(version !== undefined && { version }),
    initial: initialOf(root),
    nodes: [...(rooted ? [rootNode(root)] : []), ...nodes.map((node) => nodeOf(node, root))],
    edges,
  };
}

const idOf = ({ path }: AnyStateNode): string => path.join(".") || ROOT;

const childrenOf = (node: AnyStateNode): AnyStateNode[] =>
  Object.values<AnyStateNode>(node.states).toSorted((a, b) => a.order - b.order);

/** All states below one, outer ones first. */
const statesIn = (node: AnyStateNode): AnyStateNode[] =>
  childrenOf(node).flatMap((child) => [child, ...statesIn(child)]);

function initialOf(root: AnyStateNode): string {
  if (root.type !== "compound") return "";
  const [target] = root.initial.target;
  return target ? idOf(target) : "";
}

function nodeOf(node: AnyStateNode, root: AnyStateNode): GraphNode {
  const { parent, description } = node;
  return {
    id: idOf(node),
    label: node.key,
    kind: node.type,
    ...(parent && parent !== root && { parent: idOf(parent) }),
    entry: node.entry.map(nameOf).filter((name) => !isOfDelays(node, name)),
    exit: node.exit.map(nameOf).filter((name) => !isOfDelays(node, name)),
    tags: [...node.tags],
    ...(description !== undefined && { description }),
  };
}

/** XState arms and cancels delays by actions of its own, which nobody wrote. */
const isOfDelays = ({ after }: AnyStateNode, name: string): boolean =>
  after.length > 0 && (name === "raise" || name === "cancel");

const rootNode = (root: AnyStateNode): GraphNode => ({
  id: ROOT,
  label: ROOT,
  kind: "atomic",
  entry: root.entry.map(nameOf),
  exit: root.exit.map(nameOf),
  tags: [],
});

type Edge = Omit<GraphEdge, "id">;

function edgesOf(machine: AnyStateMachine, node: AnyStateNode): Edge[] {
  const always = (node.always ?? []).map((one) => ({ one, event: "always" }));
  const named = [...node.transitions].flatMap(([event, all]) => all.map((one) => ({ one, event })));
  return [...always, ...named].flatMap(({ one, event }) => edgesBy(machine, node, one, event));
}

function edgesBy(
  machine: AnyStateMachine,
  node: AnyStateNode,
  transition: AnyTransitionDefinition,
  event: string,
): Edge[] {
  const { target, guard, reenter } = transition;
  const actions = transition.actions.map(nameOf);
  const isForbidden =
    target === undefined && actions.length === 0 && guard === undefined && isBare(node, event);
  if (isForbidden) return []; // `undefined` in `on`: the event is not to reach the states around
  const words = guard === undefined ? undefined : guardInWords(guard);
  const edge = {
    from: idOf(node),
    ...kindOf(event),
    ...(words !== undefined && { guard: words }),
    actions,
    effects: transition.actions.filter((one) => isEffect(machine, one)).map(nameOf),
  };
  if (target === undefined) return [{ ...edge, to: edge.from, isInternal: true }];
  const isInternal =
    !reenter && target.length === 1 && target[0] === node && node.type !== "atomic";
  return target.map((to: AnyStateNode) => ({
    ...edge,
    to: idOf(to),
    ...(isInternal && { isInternal }),
  }));
}

/** Whether the machine's text has nothing for an event but `undefined`. */
function isBare({ config }: AnyStateNode, event: string): boolean {
  const on = (config.on ?? {}) as Record<string, unknown>;
  return Object.hasOwn(on, event) && on[event] === undefined;
}

/** What XState calls by names of its own, as its users write it. */
function kindOf(event: string): Pick<GraphEdge, "event" | "kind"> {
  if (event === "always") return { event, kind: "always" };
  const [, word, rest = ""] =
    /^xstate\.(after|done\.(?:actor|state)|error\.actor|snapshot\.actor)\.(.+)$/.exec(event) ?? [];
  if (word === "after") return { event: `after ${rest.split(".")[0]}`, kind: "after" };
  if (word?.startsWith("done")) return { event: `done: ${rest}`, kind: "done" };
  if (word === "error.actor") return { event: `error: ${rest}`, kind: "error" };
  return { event, kind: "event" };
}

type Named = string | { type?: string; name?: string } | ((...all: never[]) => unknown);

/** Name of an action or a guard as the machine's text has it. */
function nameOf(one: Named): string {
  if (typeof one === "string") return one;
  const { type } = one as { type?: string };
  if (type !== undefined && typeof one === "object") return type;
  if (type?.startsWith("xstate.")) return type.slice("xstate.".length); // an inline assign, raise, sendTo…
  return one.name && !GENERIC.has(one.name) ? one.name : "(inline)";
}

/** Names that functions get from where they stand, which say nothing. */
const GENERIC: ReadonlySet<string> = new Set(["actions", "guard", "entry", "exit", "anonymous"]);

type Guard = Named & { guards?: readonly Guard[]; params?: unknown };

/** `current and exitIs(retry)`. XState's own `and`, `or` and `not` are functions of these names. */
function guardInWords(guard: Guard): string {
  if (typeof guard === "function" && Array.isArray(guard.guards)) {
    const all = (guard.guards as readonly Guard[]).map(guardInWords);
    return guard.name === "not" ? `not ${all.join()}` : all.join(` ${guard.name} `);
  }
  const params =
    typeof guard === "object" && typeof guard.params === "object"
      ? Object.values(guard.params ?? {})
      : [];
  return `${nameOf(guard)}${params.length > 0 ? `(${params.map(String).join(", ")})` : ""}`;
}

/** Whether an action does more than change the context. What is not implemented is done by somebody else. */
function isEffect(machine: AnyStateMachine, action: Named): boolean {
  const implemented = machine.implementations.actions as Record<
    string,
    { type?: string } | undefined
  >;
  const found =
    typeof action === "function" ? (action as { type?: string }) : implemented[nameOf(action)];
  return found?.type !== "xstate.assign";
}

/** Edges are told apart by what they are, and only where that is the same by their order. */
function withIds(edges: readonly Edge[]): GraphEdge[] {
  const seen = new Map<string, number>();
  return edges.map((edge) => {
    const name = [
      edge.from,
      edge.event,
      edge.to,
      ...(edge.guard === undefined ? [] : [edge.guard]),
    ].join(" | ");
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return { id: count === 1 ? name : `${name} | ${count}`, ...edge };
  });
}
