import { asks, is, type Rule } from "./rule.ts";
import { contextOf, type Step } from "./world.ts";

/** What is true of every event that is taken, possible or not. */
export const takenRules: readonly Rule<Step>[] = [
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
export const effectRules: readonly Rule<Step>[] = [
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
export const wishRules: readonly Rule<Step>[] = [
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
