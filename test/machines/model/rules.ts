import type { ServiceEvent } from "../../../machines/service-events.ts";
import { expected } from "./expected.ts";
import { contextOf, type Effect, type Node, phaseOf, type Step } from "./world.ts";

/** A sentence that must hold, and whether a node or a step breaks it. */
interface Rule<What> {
  says: string;
  broken: (what: What) => boolean;
}

const ALIVE = new Set(["starting", "running"]);
const BEING_ENDED = new Set(["crashed", "restarting", "stopping"]);
const DOWN = new Set(["stopped", "failed", "deleted"]);

const asks = (effects: readonly Effect[], type: string): Effect | undefined =>
  effects.find((effect) => effect.type === type);

const is = (node: Node, ...phases: string[]): boolean => phases.includes(phaseOf(node));

const holds = (node: Node, timer: "backoff" | "healthy" | "ready"): boolean => {
  const held = node.outside.timers[timer];
  return held?.armed === contextOf(node).armed[timer] && held?.life === node.outside.life;
};

/** What is true of every state that can be reached. */
const stateRules: readonly Rule<{ node: Node; definition: Step["definition"] }>[] = [
  {
    says: "stopped, failed and deleted have no open incarnation",
    broken: ({ node }) => DOWN.has(phaseOf(node)) && contextOf(node).open !== undefined,
  },
  {
    says: "the machine believes an incarnation open exactly while it is",
    broken: ({ node }) =>
      (contextOf(node).open !== undefined) !== (node.outside.process !== "none"),
  },
  {
    says: "it knows the pid of what is up, and that what is gone has exited",
    broken: ({ node: { snapshot, outside } }) => {
      const { open } = snapshot.context;
      if (outside.process === "up") return open?.pid === undefined || open.exited;
      return outside.process === "gone" && open?.exited !== true;
    },
  },
  {
    says: "desired stopped, or being deleted, is never on its way up (I6)",
    broken: ({ node }) =>
      (contextOf(node).desired === "stopped" || contextOf(node).deleting) &&
      !is(node, "stopping", "stopped", "deleted"),
  },
  {
    says: "pending has nothing open but what is unproven",
    broken: ({ node }) =>
      is(node, "pending") && !["none", "unproven", "lost"].includes(node.outside.process),
  },
  {
    says: "starting is asked for, or up and not ready yet; running is up",
    broken: ({ node, definition }) => {
      const { process } = node.outside;
      if (is(node, "running")) return process !== "up";
      return (
        is(node, "starting") && !(process === "asked" || (process === "up" && definition.ready))
      );
    },
  },
  {
    says: "an incarnation that must end is being ended",
    broken: ({ node: { snapshot, outside } }) =>
      BEING_ENDED.has(snapshot.value) &&
      !["none", "lost"].includes(outside.process) &&
      !outside.ending,
  },
  {
    says: "an unproven process is known as such, watched, and keeps pending or stopping",
    broken: ({ node }) => {
      const { process, ending } = node.outside;
      const { unprovenPid } = contextOf(node);
      if (process !== "unproven") return unprovenPid !== undefined && process !== "lost";
      return unprovenPid !== 100 || !ending || !is(node, "pending", "stopping");
    },
  },
  {
    says: "crashed has its next try before it: a delay that somebody waits for, or leftovers being ended",
    broken: ({ node }) =>
      is(node, "crashed") && contextOf(node).open === undefined && !holds(node, "backoff"),
  },
  {
    says: "a delay is waited for only when nothing is left of what crashed",
    broken: ({ node }) =>
      is(node, "crashed") && contextOf(node).open !== undefined && holds(node, "backoff"),
  },
  {
    says: "stopping has a reason not to try again, and a state to lead to",
    broken: ({ node }) => {
      const { desired, ending, error } = contextOf(node);
      if (!is(node, "stopping")) return false;
      return (
        (desired === "running" && ending === undefined) ||
        (ending === "failed" && error === undefined)
      );
    },
  },
  {
    says: "what is down although it should run says why",
    broken: ({ node }) => {
      const { desired, ending, error } = contextOf(node);
      if (is(node, "failed")) return ending !== "failed" || error === undefined;
      return (
        is(node, "stopped") &&
        desired === "running" &&
        !["drained", "succeeded"].includes(ending ?? "")
      );
    },
  },
  {
    says: "why it ends is kept only while it is down or goes there",
    broken: ({ node }) =>
      (contextOf(node).ending !== undefined && !is(node, "stopping", "stopped", "failed")) ||
      (contextOf(node).failing && !is(node, "restarting")),
  },
  {
    says: "crashed says what went wrong; what runs, or was stopped by a person, has no error",
    broken: ({ node }) => {
      const { desired, error, deleting } = contextOf(node);
      if (is(node, "crashed")) return error === undefined;
      if (is(node, "running")) return error !== undefined;
      return is(node, "stopped") && desired === "stopped" && !deleting && error !== undefined;
    },
  },
  {
    says: "readiness is asked, within its time, exactly while it starts",
    broken: ({ node, definition }) => {
      const waits =
        is(node, "starting") && node.outside.process === "up" && definition.ready !== undefined;
      return node.outside.readiness !== waits || (waits && !holds(node, "ready"));
    },
  },
  {
    says: "health is asked exactly while it runs, and after a failure so is how long it stays healthy",
    broken: ({ node, definition }) => {
      const asked = is(node, "running") && definition.health !== undefined;
      const counted = is(node, "running") && contextOf(node).attempt > 0;
      return node.outside.health !== asked || (counted && !holds(node, "healthy"));
    },
  },
];

/** What is true of every event that is taken, possible or not. */
const takenRules: readonly Rule<Step>[] = [
  {
    says: "a process is asked for only by spawn_requested, while nothing is open (I1)",
    broken: ({ before, move, effects }) => {
      const asked = asks(effects, "spawnProcess");
      if (move.event.type !== "process.spawn_requested") return asked !== undefined;
      return (
        !is(before, "pending") ||
        contextOf(before).open !== undefined ||
        asked?.params["incarnation"] !== move.event.incarnation
      );
    },
  },
  {
    says: "an incarnation ends only by emptied or spawn_failed (I1)",
    broken: ({ before, after, move: { event } }) => {
      const was = contextOf(before).open?.id;
      if (was === undefined || was === contextOf(after).open?.id) return false;
      return event.type !== "incarnation.emptied" && event.type !== "process.spawn_failed";
    },
  },
  {
    says: "what belongs to an ended incarnation is not taken",
    broken: ({ before, move: { event } }) =>
      "incarnation" in event &&
      event.type !== "process.spawn_requested" &&
      event.type !== "output.ended" &&
      event.incarnation !== contextOf(before).open?.id,
  },
  {
    says: "a timer that no longer fits is not taken",
    broken: ({ before, move: { event } }) =>
      event.type === "timer.fired" && event.armed !== contextOf(before).armed[event.timer],
  },
  {
    says: "only a person's start, restart or change makes a stopped service wished to run (I6)",
    broken: ({ before, after, move: { event } }) =>
      contextOf(before).desired === "stopped" &&
      contextOf(after).desired === "running" &&
      event.type !== "service.start_requested" &&
      event.type !== "service.restart_requested" &&
      !(event.type === "service.changed" && event.start),
  },
  {
    says: "only a person's stop or delete makes a running service wished to be stopped (I6)",
    broken: ({ before, after, move: { event } }) =>
      contextOf(before).desired === "running" &&
      contextOf(after).desired === "stopped" &&
      event.type !== "service.stop_requested" &&
      event.type !== "service.delete_requested",
  },
  {
    says: "no effect asks anything of a process that nothing proves ours (I11)",
    broken: ({ after, effects }) =>
      after.outside.process === "unproven" &&
      ["stopIncarnation", "emptyIncarnation", "signalProcess"].some((type) => asks(effects, type)),
  },
];

/** What an effect must name. */
const effectRules: readonly Rule<Step>[] = [
  {
    says: "an effect names the incarnation that is open",
    broken: ({ before, after, effects }) =>
      effects.some(
        ({ params: { incarnation } }) =>
          incarnation !== undefined &&
          incarnation !== (contextOf(after).open ?? contextOf(before).open)?.id,
      ),
  },
  {
    says: "only what nothing proves ours is watched, by its pid",
    broken: ({ after, effects }) => {
      const watched = asks(effects, "watchUnproven");
      return (
        watched !== undefined &&
        (after.outside.process !== "unproven" || watched.params["pid"] !== 100)
      );
    },
  },
];

/** What an accepted wish changes, whatever the phase. */
const wishRules: readonly Rule<Step>[] = [
  {
    says: "stop: wished to be stopped, and that is the reason why it ends",
    broken: ({ after, move: { event } }) =>
      event.type === "service.stop_requested" &&
      (contextOf(after).desired !== "stopped" || contextOf(after).ending !== undefined),
  },
  {
    says: "delete: stays being deleted",
    broken: ({ before, after, move: { event } }) =>
      (event.type === "service.delete_requested" || contextOf(before).deleting) &&
      !contextOf(after).deleting,
  },
  {
    says: "start and restart: wished to run, and what failed before does not count",
    broken: ({ after, move: { event } }) => {
      const { desired, restartCount, attempt, failures } = contextOf(after);
      const starts =
        event.type === "service.start_requested" || event.type === "service.restart_requested";
      return (
        starts &&
        (desired !== "running" || restartCount !== 0 || attempt !== 0 || failures.length > 0)
      );
    },
  },
  {
    says: "change: the definition is the new one",
    broken: ({ after, move: { event } }) =>
      event.type === "service.changed" &&
      (contextOf(after).version !== event.version || contextOf(after).restartCount !== 0),
  },
  {
    says: "drain: what is wished stays",
    broken: ({ before, after, move: { event } }) =>
      event.type === "service.drain_requested" &&
      (contextOf(after).desired !== contextOf(before).desired ||
        contextOf(after).ending !== "drained"),
  },
  {
    says: "a wish's own timeout overrides the definition's",
    broken: ({ move: { event }, effects }) => {
      const stop = asks(effects, "stopIncarnation");
      if (!stop) return false;
      const timeoutMs = "timeoutMs" in event ? event.timeoutMs : undefined;
      return stop.params["timeoutMs"] !== (timeoutMs ?? 10_000);
    },
  },
  {
    says: "a stop, restart or delete of a process ends it, also when one is under way",
    broken: ({ before, after, move: { event }, effects }) =>
      ["service.stop_requested", "service.restart_requested", "service.delete_requested"].includes(
        event.type,
      ) &&
      ["asked", "up", "found"].includes(before.outside.process) &&
      !is(before, "crashed") &&
      after.outside.process !== "unproven" &&
      !asks(effects, "stopIncarnation"),
  },
  {
    says: "a signal goes to the main process",
    broken: ({ before, move: { event }, effects }) => {
      if (event.type !== "service.signal_requested")
        return asks(effects, "signalProcess") !== undefined;
      const asked = asks(effects, "signalProcess")?.params;
      return (
        asked?.["signal"] !== event.signal || asked["incarnation"] !== contextOf(before).open?.id
      );
    },
  },
];

/** What a taken report leaves behind. */
const reportRules: readonly Rule<Step>[] = [
  {
    says: "how it ended is kept as the kernel told it (I10)",
    broken: ({ after, move: { event } }) => {
      const { lastExit } = contextOf(after);
      if (event.type === "process.exited") return lastExit !== event.status;
      if (event.type === "process.spawn_failed") return lastExit?.spawnError !== event.error.errno;
      return event.type === "process.lost" && Object.keys(lastExit ?? { never: 1 }).length > 0;
    },
  },
  {
    says: "an exit that is not retried is a success or a failure, as the policy says",
    broken: ({ definition, before, after, move: { event } }) =>
      event.type === "process.exited" &&
      !is(before, "stopping") &&
      is(after, "stopping") &&
      (contextOf(after).ending === "succeeded") !==
        (event.status.code === 0 &&
          (definition.oneshot === true || (definition.restart ?? "always") !== "always")),
  },
  {
    says: "what is ended for its health or readiness says so, and counts as a failure where it is retried",
    broken: ({ before, after, move: { event } }) => {
      const unwell =
        event.type === "health.failed"
          ? `unhealthy: ${event.reason}`
          : event.type === "timer.fired" && event.timer === "ready" && "not ready within 60 s";
      return (
        unwell !== false &&
        !is(before, phaseOf(after)) &&
        (contextOf(after).error !== unwell || contextOf(after).failing !== is(after, "restarting"))
      );
    },
  },
  {
    says: "a new machine boot tries again at once; a mere restart of the daemon goes on with what is to be counted",
    broken: ({ before, after, move: { event } }) =>
      event.type === "environment.booted" &&
      event.found.kind === "none" &&
      contextOf(after).failing !== (contextOf(before).failing && !event.newMachineBoot),
  },
  {
    says: "restart_count climbs by one with each failure that will be retried, and by nothing else",
    broken: ({ before, after }) => {
      const climbed = contextOf(after).restartCount - contextOf(before).restartCount;
      const fails = !is(before, "crashed") && is(after, "crashed");
      return fails ? climbed !== 1 : climbed > 0;
    },
  },
  {
    says: "a failure that is retried has its due time from its delay",
    broken: ({ before, after, move: { event } }) => {
      const { dueAt, delayMs } = contextOf(after);
      return (
        !is(before, "crashed") &&
        is(after, "crashed") &&
        (delayMs === undefined || dueAt !== event.at + delayMs)
      );
    },
  },
  {
    says: "over a boot a delay goes on, and is at most the whole of it",
    broken: ({ before, after, move: { event } }) => {
      if (event.type !== "environment.booted" || !is(before, "crashed") || !is(after, "crashed"))
        return false;
      const { dueAt, delayMs } = contextOf(before);
      if (event.newMachineBoot && event.found.kind === "none")
        return contextOf(after).dueAt !== undefined;
      const left = Math.min(Math.max((dueAt ?? event.at) - event.at, 0), delayMs ?? 0);
      return contextOf(after).dueAt !== event.at + left;
    },
  },
  {
    says: "the backoff timer is due when the next try is",
    broken: ({ after, effects }) => {
      const armed = asks(effects, "armTimer");
      return (
        armed?.params["timer"] === "backoff" && armed.params["dueAt"] !== contextOf(after).dueAt
      );
    },
  },
  {
    says: "what outlived KILL is named until it is gone",
    broken: ({ after, move: { event } }) =>
      event.type === "process.unkillable"
        ? contextOf(after).unkillablePid !== event.pid
        : contextOf(after).open === undefined && contextOf(after).unkillablePid !== undefined,
  },
  {
    says: "a failing health check shows until it is well or the process is gone",
    broken: ({ after, move: { event } }) =>
      event.type === "health.changed"
        ? (contextOf(after).unhealthy === undefined) !== event.ok
        : contextOf(after).open === undefined && contextOf(after).unhealthy !== undefined,
  },
  {
    says: "where the output ends is kept",
    broken: ({ before, after, move: { event } }) =>
      event.type === "output.ended" &&
      contextOf(before).output?.incarnation === event.incarnation &&
      contextOf(after).output?.to !== event.logTo,
  },
  {
    says: "a healthy while ends the count of failures",
    broken: ({ after, move: { event } }) =>
      event.type === "timer.fired" &&
      event.timer === "healthy" &&
      (contextOf(after).attempt !== 0 || contextOf(after).failures.length > 0),
  },
  {
    says: "what comes up by itself starts without a delay left over",
    broken: ({ after }) =>
      (is(after, "pending") || ALIVE.has(phaseOf(after))) && contextOf(after).dueAt !== undefined,
  },
];

const describe = (event: ServiceEvent): string =>
  `${event.type}${"found" in event ? ` (${event.found.kind})` : ""}`;

/** The first sentence that a step breaks, with what happened. */
export function violation(step: Step): string | undefined {
  const { definition, before, move, taken, after } = step;
  const story = `${phaseOf(before)} → ${describe(move.event)} → ${taken ? phaseOf(after) : "refused"}`;
  const rules = taken
    ? [...takenRules, ...(move.honest ? [...effectRules, ...wishRules, ...reportRules] : [])]
    : [];
  const broken = rules.find((rule) => rule.broken(step));
  if (broken) return `${broken.says}: ${story}`;
  if (!move.honest) return undefined;
  const should = expected(definition, before, move.event);
  if (should !== (taken ? phaseOf(after) : undefined))
    return `expected ${should ?? "a refusal"}: ${story} [${before.key}]`;
  const state = taken
    ? stateRules.find((rule) => rule.broken({ node: after, definition }))
    : undefined;
  return state ? `${state.says}: ${story} [${after.key}]` : undefined;
}
