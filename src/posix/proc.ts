import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** What one line of /proc/pid/stat says about a process. */
export interface ProcessStat {
  pid: number;
  /** One letter: R running, S sleeping, D not to be interrupted, T stopped, Z zombie. */
  state: string;
  parent: number;
  group: number;
  session: number;
  threads: number;
  /** When it began, in clock ticks since the kernel's boot. With the pid and the boot it names one process for ever. */
  startTime: string;
  /** Processor time so far, in user and kernel, in clock ticks. */
  ticks: number;
  /** Pages of memory that are in RAM. */
  pages: number;
  /** A thread of the kernel's own, which is never a service. */
  kernel: boolean;
}

/** Source: linux/sched.h. */
const PF_KTHREAD = 0x0020_0000;

/**
 * Reads a line of /proc/pid/stat. Source: proc_pid_stat(5); the name stands in parentheses and may hold anything, `) R 1` too, so the last one counts.
 * @returns undefined where the text is none
 */
export function parseStat(text: string): ProcessStat | undefined {
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  const startTime = fields[19];
  if (end < 0 || startTime === undefined) return undefined;
  const number = (index: number) => Number(fields[index]);
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0] ?? "",
    parent: number(1),
    group: number(2),
    session: number(3),
    kernel: (number(6) & PF_KTHREAD) !== 0,
    ticks: number(11) + number(12),
    threads: number(17),
    pages: number(21),
    startTime,
  };
}

/** Whether it does anything still: a zombie does not, unless other threads than its first go on. */
export const isAlive = (stat: ProcessStat): boolean =>
  !"ZX".includes(stat.state) || stat.threads > 1;

/** Value of a variable in an environment, `NAME=value` each closed by a NUL; undefined where it has none. Source: proc_pid_environ(5). */
export function valueIn(environ: string, name: string): string | undefined {
  const entry = environ.split("\0").find((part) => part.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

/** The pids in /proc/pid/task/tid/children. Source: proc_pid_task(5). */
export const parseChildren = (text: string): number[] =>
  text.split(" ").filter(Boolean).map(Number);

/** Access mode out of /proc/pid/fdinfo/N: `flags:` is octal, its last two bits say 0 read, 1 write, 2 both. Source: proc_pid_fdinfo(5). */
export const isReadWrite = (fdinfo: string): boolean =>
  (Number.parseInt(/^flags:\s*([0-7]+)/m.exec(fdinfo)?.[1] ?? "0", 8) & 3) === 2;

/** What reading gives, or undefined where the process is gone or may not be looked at. */
function tried<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined; // ENOENT, ESRCH: it ended; EACCES: another user's
  }
}

/** A process as it is now; undefined where it is gone or hidden. Never waits: the kernel takes no lock of the process for it. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = tried(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  return text === undefined ? undefined : parseStat(text);
}

/** Name of the program that a process, or its zombie, last executed, cut to 15 bytes; undefined where it is gone, or /proc is another namespace's. Programs may change it. Source: proc_pid_comm(5). */
export const processName = (pid: number): string | undefined =>
  procIsOurs()
    ? tried(() => readFileSync(`/proc/${pid}/comm`, "utf8"))?.replace(/\n$/, "")
    : undefined;

/** Pids of all processes that can be seen; none without a /proc. */
export const allPids = (): number[] =>
  (tried(() => readdirSync("/proc")) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);

/** All processes that can be seen, as they are read one after the other. */
export function* allStats(): Generator<ProcessStat> {
  for (const pid of allPids()) {
    const stat = readStat(pid);
    if (stat) yield stat;
  }
}

/** Children of this process's main thread: what it forked itself and what was orphaned below it. undefined where the kernel does not tell. */
export function mainThreadChildren(): number[] | undefined {
  const path = `/proc/self/task/${process.pid}/children`;
  const text = tried(() => readFileSync(path, "latin1"));
  return text === undefined ? undefined : parseChildren(text);
}

/** Whether /proc is there and is that of our own PID namespace: another's has the same numbers for other processes. */
export const procIsOurs = (): boolean =>
  parseStat(tried(() => readFileSync("/proc/self/stat", "latin1")) ?? "")?.pid === process.pid;

/** Environments whose reading has not come back: it waits for a lock of the process, which one that hangs may hold for ever. */
const reading = new Set<number>();

/**
 * The environment a process was started with, or what it has written over it; "" for a moment within an exec.
 * @returns undefined where it is gone, hidden, or does not come within `patienceMs`; then it is not asked again until it has
 */
export async function readEnviron(pid: number, patienceMs: number): Promise<string | undefined> {
  if (reading.has(pid)) return undefined;
  reading.add(pid);
  const text = readFile(`/proc/${pid}/environ`, "latin1").catch(() => undefined);
  void text.finally(() => reading.delete(pid));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, patienceMs, undefined);
  });
  return Promise.race([text, late]).finally(() => clearTimeout(timer));
}

/** A descriptor of a process: what it is open on, as a path, and whether it is open for reading and writing. */
interface OpenFile {
  path: string;
  readWrite: boolean;
}

/** Descriptors of a process that are open on a path which holds `part`. */
export function openFilesWith(pid: number, part: (path: string) => boolean): OpenFile[] {
  const numbers = tried(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return numbers.flatMap((number) => {
    const path = tried(() => readlinkSync(`/proc/${pid}/fd/${number}`));
    if (path === undefined || !part(path)) return [];
    const fdinfo = tried(() => readFileSync(`/proc/${pid}/fdinfo/${number}`, "latin1")) ?? "";
    return [{ path, readWrite: isReadWrite(fdinfo) }];
  });
}
