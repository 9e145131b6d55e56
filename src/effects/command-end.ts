import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "../base/logger.ts";
import { sendSignal } from "../posix/calls.ts";
import { SystemError } from "../posix/libc.ts";
import { allStats, procIsOurs } from "../posix/proc.ts";
import { livesStill } from "./identity.ts";
import { signalOne } from "./kill.ts";

/** After TERM, in milliseconds. */
const KILL_AFTER_MS = 5_000;
/** So often it is looked whether all are gone, in milliseconds. */
const LOOK_MS = 50;

/** Processes by their numbers, with when each began: no other of that number began then. */
type Seen = Map<number, string>;

/**
 * Ends a command: TERM to its group, and 5 s later KILL to what is left of its group and of everything below it.
 *
 * What a wrapper such as `crun exec` starts has a session of its own: the group's TERM reaches it where the wrapper passes that on, and nothing passes on a KILL. What has
 * gone over to another parent is no longer the command's.
 *
 * @param hurried when it is given, KILL comes at once
 * @returns when nothing of it is left, or the KILL was sent
 */
export async function endCommand(
  child: ChildProcess,
  hurried: AbortSignal,
  logger: Logger,
): Promise<void> {
  const seen: Seen = new Map();
  see(child, seen);
  toGroup(child, "SIGTERM");
  toGroup(child, "SIGCONT"); // one that is stopped would not hear it
  const end = performance.now() + KILL_AFTER_MS;
  while (isRunning(child) || left(seen).length > 0) {
    if (performance.now() < end && !hurried.aborted) {
      await pause(LOOK_MS);
      continue;
    }
    see(child, seen);
    toGroup(child, "SIGKILL");
    for (const one of left(seen))
      await signalOne(one.pid, "SIGKILL", () => livesStill(one), logger);
    return;
  }
}

/** Not reaped by Node yet, so the number is its own. */
const isRunning = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null;

function toGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (!isRunning(child) || child.pid === undefined) return;
  try {
    sendSignal(-child.pid, constants.signals[signal]);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

/** Adds the command, while it runs, and all that is below it now. */
function see(child: ChildProcess, seen: Seen): void {
  if (!isRunning(child) || !procIsOurs()) return; // another namespace has the same numbers for strangers
  const byParent = Map.groupBy(allStats(), ({ parent }) => parent);
  const tree = new Set([child.pid]);
  for (const parent of tree) {
    for (const { pid, startTime } of byParent.get(parent ?? 0) ?? []) {
      tree.add(pid);
      seen.set(pid, startTime);
    }
  }
}

const left = (seen: Seen): { pid: number; startTime: string }[] =>
  [...seen].map(([pid, startTime]) => ({ pid, startTime })).filter(livesStill);
