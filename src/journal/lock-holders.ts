import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { allPids, isAlive, readStat } from "../posix/proc.ts";

/** A process that shares the lock of an open file. */
export interface LockHolder {
  pid: number;
  /** Its command's name, as in /proc/pid/comm. */
  name: string;
}

/**
 * Processes whose open files include the lock on `file`: its owner and what the owner forked. Only those that we may look into.
 *
 * Source: proc_pid_fd(5), and proc_pid_fdinfo(5) for the line "lock:", which a file that is merely open lacks.
 */
export function lockHolders(file: string): LockHolder[] {
  const path = realpathSync(file);
  return allPids()
    .filter((pid) => holds(pid, path))
    .map((pid) => ({ pid, name: look(() => read(`/proc/${pid}/comm`).trim()) ?? "" }));
}

/** Whether the very process is there: a pid alone can be another's by now. Without a start time (no /proc) the pid must do. */
export function isRunning({ pid, startTime }: { pid: number; startTime: string }): boolean {
  if (startTime === "") return answers(pid);
  const stat = readStat(pid);
  return stat?.startTime === startTime && isAlive(stat);
}

const holds = (pid: number, path: string): boolean =>
  (look(() => readdirSync(`/proc/${pid}/fd`)) ?? []).some(
    (fd) =>
      look(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) === path &&
      look(() => read(`/proc/${pid}/fdinfo/${fd}`))?.includes("FLOCK"),
  );

const read = (file: string): string => readFileSync(file, "utf8");

/** Undefined where the process has ended meanwhile or is none of our business. */
function look<Seen>(at: () => Seen): Seen | undefined {
  try {
    return at();
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(code)) return undefined;
    throw error;
  }
}

function answers(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
