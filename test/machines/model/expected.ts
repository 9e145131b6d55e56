import type { ServiceDefinition } from "../../../machines/definition.ts";
import type { ServiceContext } from "../../../machines/service-context.ts";
import type { ServiceEvent, ServiceTimer } from "../../../machines/service-events.ts";
import { contextOf, type Node, phaseOf } from "./world.ts";

/** Where an honest event must lead, said from the facts alone: `undefined` where the machine must refuse it. */
type Expected = string | undefined;

type Of<Type extends ServiceEvent["type"]> = Extract<ServiceEvent, { type: Type }>;

const UP = new Set(["starting", "running"]);
const DOWN = new Set(["stopped", "failed"]);

/** What the restart policy makes of a failure, by the words of its definition. */
function verdict(
  { restart = "always", oneshot, maxFailures, windowMs = 60_000 }: ServiceDefinition,
  { failures }: ServiceContext,
  at: number,
  succeeded: boolean,
): "retry" | "succeeded" | "failed" {
  if (succeeded && (oneshot || restart !== "always")) return "succeeded";
  if (restart === "never") return "failed";
  const recent = failures.filter((failure) => at - failure < windowMs).length + 1;
  return maxFailures !== undefined && recent >= maxFailures ? "failed" : "retry";
}

interface Situation {
  definition: ServiceDefinition;
  before: Node;
  phase: string;
  context: ServiceContext;
  process: Node["outside"]["process"];
  /** What one more failure now would lead to. */
  retries: boolean;
}

const stays = ({ phase }: Situation): Expected => phase;

/** The contract of the states, event by event. */
const AFTER: { [Type in ServiceEvent["type"]]: (now: Situation, event: Of<Type>) => Expected } = {
  "service.created": () => undefined,
  "service.stop_requested": ({ phase, context }) => {
    if (phase === "stopped" && context.desired === "stopped") return undefined;
    return context.open ? "stopping" : "stopped";
  },
  "service.delete_requested": ({ context }) => (context.open ? "stopping" : "deleted"),
  "service.drain_requested": ({ phase, context }) => {
    if (DOWN.has(phase) || phase === "stopping") return undefined;
    return context.open ? "stopping" : "stopped";
  },
  "service.start_requested": ({ phase, before }) => (UP.has(phase) ? phase : begun(before)),
  "service.restart_requested": ({ before }) => begun(before),
  "service.changed": ({ phase, context, before }, { start }) => {
    if (context.deleting) return undefined;
    return !start && (DOWN.has(phase) || phase === "stopping") ? phase : begun(before);
  },
  "service.signal_requested": ({ phase, process, context: { open } }) => {
    const there = open?.pid !== undefined && !open.exited && process !== "unproven";
    return there && !["pending", "crashed"].includes(phase) ? phase : undefined;
  },
  "process.spawn_requested": () => "starting",
  "process.spawned": ({ phase, definition }) =>
    phase === "starting" && !definition.ready ? "running" : phase,
  "process.spawn_failed": ({ phase, retries, before }, { error }) => {
    if (phase !== "starting") return ended(before);
    return retries && !error.permanent ? "crashed" : "failed";
  },
  "process.exited": ({ phase, definition, context }, { at, status }) => {
    if (!UP.has(phase)) return phase;
    return verdict(definition, context, at, status.code === 0) === "retry" ? "crashed" : "stopping";
  },
  "process.lost": stays,
  "process.kill_sent": stays,
  "process.stop_command_failed": stays,
  "process.unkillable": stays,
  "output.ended": stays,
  "health.changed": stays,
  "incarnation.emptied": ({ phase, context, before }, { at }) => {
    if (phase !== "crashed") return ended(before);
    return (context.dueAt ?? 0) <= at ? "pending" : "crashed";
  },
  "readiness.reached": () => "running",
  "readiness.failed": stays,
  "health.failed": ({ retries }) => (retries ? "restarting" : "stopping"),
  "timer.fired": (now, { timer }) =>
    now.before.outside.timers[timer]?.life === now.before.outside.life
      ? DUE[timer](now)
      : undefined,
  "environment.booted": ({ before }, event) => booted(before, event),
};

const DUE: { [Timer in ServiceTimer]: (now: Situation) => Expected } = {
  backoff: ({ phase, context }) => (phase === "crashed" && !context.open ? "pending" : undefined),
  healthy: ({ phase, context }) => (phase === "running" && context.attempt > 0 ? phase : undefined),
  ready: ({ phase, retries }) => {
    if (phase !== "starting") return undefined;
    return retries ? "restarting" : "stopping";
  },
};

/** Phase after an honest event. */
export function expected(
  definition: ServiceDefinition,
  before: Node,
  event: ServiceEvent,
): Expected {
  const phase = phaseOf(before);
  const context = contextOf(before);
  if (phase === "deleted") return undefined;
  const { process } = before.outside;
  const retries = verdict(definition, context, event.at, false) === "retry";
  const after = AFTER[event.type] as (now: Situation, event: ServiceEvent) => Expected;
  return after({ definition, before, phase, context, process, retries }, event);
}

/** A wish to start: what is open ends first, and one that nothing proves ours is waited for. */
function begun({ snapshot: { context }, outside: { process } }: Node): Expected {
  if (context.deleting) return undefined;
  return context.open && process !== "unproven" ? "restarting" : "pending";
}

/** Nothing is left of the incarnation. */
function ended(before: Node): Expected {
  const { deleting, desired, failing, ending } = contextOf(before);
  if (deleting) return "deleted";
  if (phaseOf(before) !== "stopping") return failing ? "crashed" : "pending";
  return desired === "running" && ending === "failed" ? "failed" : "stopped";
}

function booted(before: Node, event: Of<"environment.booted">): Expected {
  const phase = phaseOf(before);
  const { desired, deleting, ending, open } = contextOf(before);
  const wanted = desired === "running" && !deleting;
  const returns = wanted && (ending === "drained" || event.newMachineBoot);
  if (!open) {
    if (DOWN.has(phase)) return returns ? "pending" : phase;
    return phase === "crashed" && event.newMachineBoot ? "pending" : phase;
  }
  const goesOn = phase === "stopping" ? returns : wanted;
  if (!goesOn) return "stopping";
  if (event.found.kind === "unproven") return "pending";
  if (phase === "crashed") return "crashed";
  return phase === "pending" && event.found.kind === "none" ? "pending" : "restarting";
}
