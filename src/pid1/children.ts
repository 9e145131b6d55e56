import type { ExitStatus } from "../../machines/service-events.ts";
import { sendSignal } from "../posix/calls.ts";
import { SystemError } from "../posix/libc.ts";
import { signalNumber } from "../posix/signals.ts";
import { look, reap, type WaitStatus } from "../posix/wait.ts";
import { createReaper } from "./reaper.ts";

/**
 * The one table of pids that somebody waits for.
 *
 * On SIGCHLD each of them is looked at, and whoever waits is told how it ended while its zombie still holds the number; it is reaped by that number when they
 * say so. Until then a signal to it, or to the group it leads, can reach nobody else.
 */
export interface Children {
  /**
   * Begins to wait for a child, in the tick in which the spawn answered. It may be dead already: then `ended` is called soon, never within this call.
   * @param ended called once; an empty status where somebody else has reaped it
   */
  add(pid: number, ended: (status: ExitStatus) => void): void;
  /** Whether the pid is in the table: a child of ours that is not reaped. */
  has(pid: number): boolean;
  /** Signals one of the table, by the signal's name. @returns false where it is not in the table or may not be signalled */
  signal(pid: number, signal: string): boolean;
  /** Signals the group that one of the table leads; its leader may be a zombie. @returns false where there is none, or where we may signal none of it */
  signalGroup(pid: number, signal: string): boolean;
  /** Takes one that ended out of the table: its number may be anybody's from now on. */
  reap(pid: number): void;
  /** Children that nobody waits for, alive: what services orphaned. undefined where that cannot be known. */
  orphans(): number[] | undefined;
  /** Ends the looking; waits for nobody any more. */
  close(): void;
}

interface ChildrenOptions {
  /** Whether what our children orphan comes to us (adoptOrphans); else nobody can say what they left. */
  adopts: boolean;
  /** Told of each orphan that ended and was reaped. */
  onReaped?: (pid: number, name: string, status: WaitStatus) => void;
}

interface Row {
  ended(status: ExitStatus): void;
  told: boolean;
}

/**
 * Begins to look after children. One a process, in its main thread.
 */
export function createChildren(options: ChildrenOptions = { adopts: true }): Children {
  const table = new Map<number, Row>();
  const reaper = createReaper((pid) => table.has(pid), options.onReaped);
  const sweep = () => {
    for (const [pid, row] of table) lookAt(pid, row);
    reaper.sweep();
  };
  process.on("SIGCHLD", sweep);

  function lookAt(pid: number, row: Row): void {
    if (row.told || table.get(pid) !== row) return;
    const seen = look(pid);
    if (seen === "running") return;
    row.told = true;
    if (seen === "gone") table.delete(pid); // its number may be anybody's already
    row.ended(seen === "gone" ? {} : exitStatus(seen));
  }

  return {
    add: (pid, ended) => {
      const row = { ended, told: false };
      table.set(pid, row);
      setImmediate(() => lookAt(pid, row));
    },
    has: (pid) => table.has(pid),
    signal: (pid, signal) => table.has(pid) && sent(pid, signal),
    signalGroup: (pid, signal) => table.has(pid) && sent(-pid, signal),
    reap: (pid) => {
      if (!table.has(pid) || reap(pid) === "running") return;
      table.delete(pid);
    },
    orphans: () => (options.adopts ? reaper.sweep() : undefined),
    close: () => {
      process.off("SIGCHLD", sweep);
      reaper.close();
    },
  };
}

const exitStatus = (status: WaitStatus): ExitStatus =>
  "code" in status
    ? { code: status.code }
    : { signal: status.signal, ...(status.core && { core: true }) };

/** @returns whether it was sent; false where there is nobody (ESRCH) or nobody we may signal (EPERM) */
function sent(target: number, signal: string): boolean {
  const number = signalNumber(signal);
  if (number === undefined) return false;
  try {
    sendSignal(target, number);
    return true;
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}
