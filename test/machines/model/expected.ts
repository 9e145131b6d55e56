import type { ServiceDefinition } from "../../../machines/definition.ts";
import type { ServiceContext } from "../../../machines/service-context.ts";
import type { ServiceEvent } from "../../../machines/service-events.ts";
import { contextOf, type Node, phaseOf } from "./world.ts";

/** Where an honest event must lead, said from the facts alone: `undefined` where the machine must refuse it. */
export type Expected = string | undefined;

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

/** Phase after an honest event, as the contract of the states tells it. */
export function expected(
  definition: ServiceDefinition,
  before: Node,
  event: ServiceEvent,
): Expected {
  const phase = phaseOf(before);
  const context = contextOf(before);
  const { process } = before.outside;
  if (phase === "deleted") return undefined;
  const retries = verdict(definition, context, event.at, false) === "retry";
  const current = !("incarnation" in event) || event.incarnation === context.open?.id;
  switch (event.type) {
    case "service.created":
      return undefined;
    case "service.stop_requested":
      if (phase === "stopped" && context.desired === "stopped") return undefined;
      return context.open ? "stopping" : "stopped";
    case "service.delete_requested":
      return context.open ? "stopping" : "deleted";
    case "service.drain_requested":
      if (DOWN.has(phase) || phase === "stopping") return undefined;
      return context.open ? "stopping" : "stopped";
    case "service.start_requested":
      return UP.has(phase) ? phase : begun(before);
    case "service.restart_requested":
      return begun(before);
    case "service.changed":
      if (context.deleting) return undefined;
      return !event.start && (DOWN.has(phase) || phase === "stopping") ? phase : begun(before);
    case "service.signal_requested":
      return context.open?.pid !== undefined &&
        !context.open.exited &&
        process !== "unproven" &&
        (UP.has(phase) || phase === "stopping" || phase === "restarting")
        ? phase
        : undefined;
    case "process.spawn_requested":
      return "starting";
    case "process.spawned":
      return phase === "starting" && !definition.ready ? "running" : phase;
    case "process.spawn_failed":
      if (phase === "starting") return retries && !event.error.permanent ? "crashed" : "failed";
      return ended(before);
    case "process.exited":
      return UP.has(phase) ? exited(definition, context, event) : phase;
    case "incarnation.emptied":
      if (phase === "crashed") return (context.dueAt ?? 0) <= event.at ? "pending" : "crashed";
      return ended(before);
    case "process.lost":
    case "process.kill_sent":
    case "process.unkillable":
    case "output.ended":
    case "health.changed":
      return current || event.type === "output.ended" ? phase : undefined;
    case "readiness.reached":
      return "running";
    case "health.failed":
      return retries ? "restarting" : "stopping";
    case "timer.fired":
      return fired(before, event, retries);
    case "environment.booted":
      return booted(before, event);
  }
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

function exited(
  definition: ServiceDefinition,
  context: ServiceContext,
  event: Of<"process.exited">,
): Expected {
  return verdict(definition, context, event.at, event.status.code === 0) === "retry"
    ? "crashed"
    : "stopping";
}

function fired(before: Node, { timer }: Of<"timer.fired">, retries: boolean): Expected {
  const phase = phaseOf(before);
  const { open, attempt } = contextOf(before);
  const held = before.outside.timers[timer];
  if (held?.life !== before.outside.life) return undefined;
  switch (timer) {
    case "backoff":
      return phase === "crashed" && !open ? "pending" : undefined;
    case "healthy":
      return phase === "running" && attempt > 0 ? phase : undefined;
    case "ready":
      if (phase !== "starting") return undefined;
      return retries ? "restarting" : "stopping";
  }
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
