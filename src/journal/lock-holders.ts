import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

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
  return entries("/proc")
    .filter((entry) => /^\d+$/.test(entry) && holds(entry, path))
    .map((pid) => ({ pid: Number(pid), name: read(`/proc/${pid}/comm`).trim() }));
}

/** Whether the very process is there: a pid alone can be another's by now. Without /proc the pid must do. */
export function isRunning({ pid, startTime }: { pid: number; startTime: string }): boolean {
  if (startTime === "") return answers(pid);
  const stat = read(`/proc/${pid}/stat`);
  // The name in field 2 may hold spaces and parentheses; field 3 follows its last one. Source: proc_pid_stat(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[19] === startTime && fields[0] !== "Z";
}

const holds = (pid: string, path: string): boolean =>
  entries(`/proc/${pid}/fd`).some(
    (fd) =>
      gone(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) === path &&
      read(`/proc/${pid}/fdinfo/${fd}`).includes("FLOCK"),
  );

const entries = (directory: string): string[] => gone(() => readdirSync(directory)) ?? [];

const read = (file: string): string => gone(() => readFileSync(file, "utf8")) ?? "";

/** Undefined where the process has ended meanwhile or is none of our business. */
function gone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(code ?? "")) return undefined;
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
