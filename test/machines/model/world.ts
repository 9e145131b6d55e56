import { type AnyStateMachine, type SnapshotFrom } from "xstate";
import type { ServiceDefinition } from "../../../machines/definition.ts";
import { serviceMachine } from "../../../machines/service.ts";
import type { ServiceContext } from "../../../machines/service-context.ts";
import type { ServiceEvent, ServiceTimer } from "../../../machines/service-events.ts";
import { Stepper } from "../../../src/runtime/journaled.ts";

export type Snapshot = SnapshotFrom<typeof serviceMachine>;

export interface Effect {
  type: string;
  params: Readonly<Record<string, unknown>>;
}

/** What is true outside the machine, whatever it believes. */
export interface Outside {
  /**
   * The open incarnation: `asked` for and not answered, `up`, `gone` (its main process), `found` by a boot and proven,
   * `unproven`, or `lost`: a boot found nothing, which the policies record before anything else happens.
   */
  process: "none" | "asked" | "up" | "gone" | "found" | "unproven" | "lost";
  /** The runner of this daemon was asked to end it, or to watch it where it is unproven. */
  ending: boolean;
  readiness: boolean;
  health: boolean;
  /** What the timer runner of this daemon holds, each with the life in which it was armed. */
  timers: { [Timer in ServiceTimer]?: { armed: string; dueAt: number; life: number } };
  /** How many incarnations there were. */
  life: number;
}

/** One state of machine and world together. */
export interface Node {
  key: string;
  snapshot: Snapshot;
  outside: Outside;
  now: number;
}

export interface Move {
  event: ServiceEvent;
  /** The world can send it now; all else is only stepped to see that nothing unsafe is taken. */
  honest: boolean;
}

/** One event at one node, and what became of it. */
export interface Step {
  definition: ServiceDefinition;
  before: Node;
  move: Move;
  taken: boolean;
  after: Node;
  effects: readonly Effect[];
}

export const phaseOf = ({ snapshot }: Node): string => snapshot.value;
export const contextOf = ({ snapshot }: Node): ServiceContext => snapshot.context;

const stepper = new Stepper();

/** A service that was just created. */
export function birth(definition: ServiceDefinition): Node {
  const { snapshot } = stepper.birth(serviceMachine, { definition, version: 1 });
  const outside: Outside = {
    process: "none",
    ending: false,
    readiness: false,
    health: false,
    timers: {},
    life: 0,
  };
  return node(definition, snapshot as Snapshot, outside, 1);
}

/** A snapshot steps through the machine it was made by: one from elsewhere is made anew. */
const of = (machine: AnyStateMachine, snapshot: Snapshot): unknown =>
  snapshot.machine === (machine as unknown)
    ? snapshot
    : machine.resolveState({ value: snapshot.value, context: snapshot.context });

/** Lets a machine answer an event, and the world follow. */
export function take(
  machine: AnyStateMachine,
  definition: ServiceDefinition,
  before: Node,
  move: Move,
): Step {
  const prepared = stepper.step(machine, of(machine, before.snapshot) as never, move.event);
  if (!prepared) return { definition, before, move, taken: false, after: before, effects: [] };
  const effects = prepared.actions as unknown as readonly Effect[];
  const snapshot = prepared.snapshot as Snapshot;
  const outside = followed(before.outside, move.event, effects);
  const after = node(definition, snapshot, outside, move.event.at);
  return { definition, before, move, taken: true, after, effects };
}

/** What an event says of the world, then what its effects make of it. */
function followed(before: Outside, event: ServiceEvent, effects: readonly Effect[]): Outside {
  const outside = { ...before, ...told(before, event) };
  for (const { type, params } of effects) {
    if (type === "stopIncarnation" || type === "emptyIncarnation") outside.ending = true;
    if (type === "watchUnproven") outside.ending = outside.process === "unproven";
    if (type === "startReadiness") outside.readiness = params["readiness"] !== undefined;
    if (type === "startHealth") outside.health = params["health"] !== undefined;
    if (type === "stopProbes") Object.assign(outside, { readiness: false, health: false });
    if (type === "armTimer") {
      const { timer, dueAt, armed } = params as {
        timer: ServiceTimer;
        dueAt: number;
        armed: string;
      };
      outside.timers = { ...outside.timers, [timer]: { armed, dueAt, life: outside.life } };
    }
  }
  return outside;
}

const CLOSED = { process: "none", ending: false, readiness: false, health: false } as const;

/** What an event of each type says of the world. */
const TOLD: {
  [Type in ServiceEvent["type"]]?: (
    before: Outside,
    event: Extract<ServiceEvent, { type: Type }>,
  ) => Partial<Outside>;
} = {
  "process.spawn_requested": ({ life }) => ({ ...CLOSED, process: "asked", life: life + 1 }),
  "process.spawned": () => ({ process: "up" }),
  "process.exited": ({ process }) => ({ process: process === "found" ? "found" : "gone" }),
  "process.spawn_failed": () => CLOSED,
  "incarnation.emptied": () => CLOSED,
  "readiness.reached": () => ({ readiness: false }),
  "health.failed": () => ({ health: false }),
  "timer.fired": (before, { timer }) => {
    const { [timer]: _fired, ...timers } = before.timers;
    return { timers };
  },
  "environment.booted": ({ process }, { found }) => ({
    ...CLOSED,
    timers: {},
    process: afterBoot(process, found.kind),
  }),
};

function told(before: Outside, event: ServiceEvent): Partial<Outside> {
  const tell = TOLD[event.type] as
    | ((before: Outside, event: ServiceEvent) => Partial<Outside>)
    | undefined;
  return tell?.(before, event) ?? {};
}

const afterBoot = (
  before: Outside["process"],
  found: "none" | "proven" | "unproven",
): Outside["process"] => {
  if (before === "none") return "none";
  return found === "none" ? "lost" : found === "proven" ? "found" : "unproven";
};

/** Everything that tells two states apart, times and counts only as far as anything asks for them. */
function node(
  definition: ServiceDefinition,
  snapshot: Snapshot,
  outside: Outside,
  now: number,
): Node {
  const { context, value } = snapshot;
  const { open, dueAt, failures } = context;
  const recent = failures.some((at) => now + 1 - at < 60_000);
  const held = (timer: ServiceTimer): string => {
    const at = outside.timers[timer];
    if (!at) return "-";
    return at.armed === context.armed[timer] && at.life === outside.life ? "armed" : "stale";
  };
  const key = [
    value,
    context.desired === "running" ? "run" : "stop",
    !open ? "empty" : open.exited ? "exited" : open.pid === undefined ? "asked" : "live",
    context.deleting ? "deleting" : "",
    context.ending ?? "",
    context.failing ? "failing" : "",
    Math.min(context.attempt, 2),
    definition.maxFailures !== undefined && recent ? "recent" : "",
    dueAt === undefined ? "" : dueAt <= now + 1 ? "due" : "later",
    context.unprovenPid === undefined ? "" : "unproven",
    context.unkillablePid === undefined ? "" : "unkillable",
    outside.process,
    outside.ending ? "ending" : "",
    outside.readiness ? "asks-ready" : "",
    outside.health ? "asks-health" : "",
    held("backoff"),
    held("ready"),
    value === "running" ? held("healthy") : "", // armed anew with each entry
  ].join(" ");
  return { key, snapshot, outside, now };
}
