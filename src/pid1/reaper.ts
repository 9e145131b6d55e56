import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { isChildSubreaper } from "../posix/calls.ts";
import { mainThreadChildren, procIsOurs } from "../posix/proc.ts";
import { reap } from "../posix/wait.ts";

/**
 * What was orphaned below us and came to us, since we are process 1 or child subreaper.
 * Node waits for the children it forked itself; nobody would for these.
 */
export interface Reaper {
  /** Reaps each orphan that ended. @returns those that live, or undefined where they cannot be known */
  sweep(): number[] | undefined;
  close(): void;
}

/**
 * Reaps orphans and nothing else.
 *
 * Node announces every child it forks, in the tick of the fork, so what it waits for is known and never reaped here: its exit codes stay its own. What libuv's
 * threads spawn is in their lists, not in the main thread's, which orphans come to.
 *
 * @param isWaitedFor whether the children table has the pid
 */
export function createReaper(isWaitedFor: (pid: number) => boolean): Reaper {
  const forked = new Set<ChildProcess>();
  const noteFork = (message: unknown) => {
    const { process: child } = message as { process: ChildProcess }; // Node's documented message
    forked.add(child);
    child.once("exit", () => forked.delete(child));
    child.once("error", () => child.pid === undefined && forked.delete(child));
  };
  subscribe("child_process", noteFork);
  const isNodes = (pid: number) => [...forked].some((child) => child.pid === pid);
  const canSee = procIsOurs() && isChildSubreaper();
  const isOrphan = (pid: number) => !isWaitedFor(pid) && !isNodes(pid);
  return {
    sweep: () => {
      if (!canSee) return undefined;
      return mainThreadChildren()
        ?.filter(isOrphan)
        .filter((pid) => reap(pid) === "running");
    },
    close: () => void unsubscribe("child_process", noteFork),
  };
}
