import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { isChildSubreaper } from "../posix/calls.ts";
import { mainThreadChildren, processName, procIsOurs } from "../posix/proc.ts";
import { spawnsInFlight } from "../posix/spawn.ts";
import { type Look, reap, someZombie, type WaitStatus } from "../posix/wait.ts";

/**
 * What was orphaned below us and came to us, since we are process 1 or child subreaper.
 * Node waits for the children it forked itself; nobody would for these.
 */
interface Reaper {
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
 * Where this process is neither process 1 nor subreaper by now, no orphan comes and nothing is reaped.
 *
 * @param isWaitedFor whether the children table has the pid
 * @param onReaped told of each, with the name of the program that it was
 */
export function createReaper(
  isWaitedFor: (pid: number) => boolean,
  onReaped: (pid: number, name: string, status: WaitStatus) => void = () => {},
): Reaper {
  const forked = new Set<ChildProcess>();
  const noteFork = (message: unknown) => {
    const { process: child } = message as { process: ChildProcess }; // Node's documented message
    forked.add(child);
    child.once("exit", () => forked.delete(child));
    child.once("error", () => child.pid === undefined && forked.delete(child));
  };
  subscribe("child_process", noteFork);
  const isNodes = (pid: number) => [...forked].some((child) => child.pid === pid);
  const areOurs = isChildSubreaper();
  const canSee = areOurs && procIsOurs();
  const isOrphan = (pid: number) => !isWaitedFor(pid) && !isNodes(pid);
  let again: NodeJS.Timeout | undefined;
  const take = (pid: number): Look => {
    const name = processName(pid) ?? "";
    const seen = reap(pid);
    if (typeof seen === "object") onReaped(pid, name, seen);
    return seen;
  };

  /** Where no list shows the orphans: one zombie after the other, as long as each is nobody's. What hides them is gone soon. */
  const reapUnseen = () => {
    again = undefined;
    for (let pid = someZombie(); pid !== undefined; pid = someZombie()) {
      if (spawnsInFlight() > 0 || !isOrphan(pid)) {
        again ??= setTimeout(reapUnseen, AGAIN_MS).unref();
        return;
      }
      take(pid);
    }
  };
  return {
    sweep: () => {
      const list = canSee ? mainThreadChildren() : undefined;
      if (!list && areOurs) reapUnseen();
      return list?.filter(isOrphan).filter((pid) => take(pid) === "running");
    },
    close: () => {
      clearTimeout(again);
      unsubscribe("child_process", noteFork);
    },
  };
}

/** How soon what was in the way of a zombie is looked at again, in milliseconds. */
const AGAIN_MS = 50;
