import { asks, is, type Rule } from "./rule.ts";
import { contextOf, phaseOf, type Step } from "./world.ts";

const ALIVE = new Set(["starting", "running"]);

/** What a taken report leaves behind. */
export const reportRules: readonly Rule<Step>[] = [
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
