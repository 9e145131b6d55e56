import { holds, is, type Rule } from "./rule.ts";
import { contextOf, type Node, phaseOf, type Step } from "./world.ts";

const BEING_ENDED = new Set(["crashed", "restarting", "stopping"]);
const DOWN = new Set(["stopped", "failed", "deleted"]);

/** What is true of every state that can be reached. */
export const stateRules: readonly Rule<{ node: Node; definition: Step["definition"] }>[] = [
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
