import { readFileSync, readlinkSync, statSync } from "node:fs";
import { boottimeMs } from "../posix/calls.ts";
import {
  hasEntry,
  openFilesWith,
  type ProcessStat,
  readEnviron,
  readStat,
} from "../posix/proc.ts";
import { MARK } from "./environment.ts";

/** What stands for a part of the boot's name that could not be read: it equals nothing, itself included. */
const UNKNOWN = "unknown";

const tried = (read: () => string): string => {
  try {
    return read().trim();
  } catch {
    return UNKNOWN; // no /proc
  }
};

/**
 * One life of the kernel or the PID namespace under us: a pid means something only within it.
 * Kernel boot id and inode of the namespace, `id/inode`; a part that cannot be read is `unknown`. Source: proc_sys_kernel(5), pid_namespaces(7).
 */
export function machineBoot(): string {
  const boot = tried(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1"));
  const namespace = tried(() => readlinkSync("/proc/self/ns/pid"));
  return `${boot}/${/\d+/.exec(namespace)?.[0] ?? UNKNOWN}`;
}

/** Whether two names of machine boots are known to be of the same one, known to differ, or neither. */
export function sameBoot(a: string, b: string): boolean | undefined {
  if (a.includes(UNKNOWN) || b.includes(UNKNOWN)) return undefined;
  return a === b;
}

/** USER_HZ, the unit of start times: 100 on every architecture that Node has. Source: time(7). */
const TICK_MS = 10;

/** Now, as a start time of /proc/pid/stat counts. */
export const nowInTicks = (): number => Math.floor(boottimeMs() / TICK_MS);

/** An incarnation as its processes are looked for. */
export interface Suspect {
  incarnation: string;
  /** Its main process, while it may live. */
  main?: { pid: number; startTime: string } | undefined;
  /** Session of its main process, while that holds the number, alive or as a zombie of ours: then nobody else can have it. */
  session?: number | undefined;
  /** Start time before which no process can be its, in ticks. */
  notBefore?: number | undefined;
  /** Processes that were proven before: pid and start time. */
  members: Map<number, string>;
}

/** What showed that a process is an incarnation's. */
export type Proof = "recorded" | "mark" | "fifo" | "session" | "parent";

/** A process that is an incarnation's. */
export interface Sighting {
  incarnation: string;
  pid: number;
  startTime: string;
  group: number;
  proof: Proof;
  /** For `session` and `parent`: the proven process that this one hangs on. */
  by?: { pid: number; startTime: string };
}

const MARK_OF = (incarnation: string): string => `${MARK}=${incarnation}`;

/** How long an environment may take to be read, in milliseconds. */
const PATIENCE_MS = 200;

/** Whether it can be the suspect's at all: younger than its request. */
export const isYoungEnough = (stat: ProcessStat, suspect: Suspect): boolean =>
  Number(stat.startTime) >= (suspect.notBefore ?? 0);

/** Proof by the record: pid and start time as they were when it was spawned, or seen before, in this boot of the machine. */
export const isRecorded = (stat: ProcessStat, { main, members }: Suspect): boolean =>
  (main?.pid === stat.pid && main.startTime === stat.startTime) ||
  members.get(stat.pid) === stat.startTime;

/** What an environment names as its incarnation; "" while it is not there yet, as within an exec; undefined where it cannot be read. */
export const environOf = (pid: number): Promise<string | undefined> => readEnviron(pid, PATIENCE_MS);

/** Proof by the mark, which only descendants have. */
export const isMarked = (environ: string | undefined, incarnation: string): boolean =>
  environ !== undefined && hasEntry(environ, MARK_OF(incarnation));

/**
 * Proof by the output: the incarnation's FIFO open for reading and writing, as we open it for what we spawn, in a process not older than the FIFO.
 * The FIFO has the incarnation's id in its path.
 */
export function holdsFifo(stat: ProcessStat, incarnation: string): boolean {
  const files = openFilesWith(stat.pid, (path) => path.includes(incarnation));
  return files.some(({ path, readWrite }) => readWrite && isFifoYoungerThan(stat, path));
}

function isFifoYoungerThan(stat: ProcessStat, path: string): boolean {
  try {
    const file = statSync(path);
    const startedAt = Date.now() - boottimeMs() + Number(stat.startTime) * TICK_MS;
    return file.isFIFO() && startedAt >= file.birthtimeMs - CLOCK_SLACK_MS;
  } catch {
    return path.endsWith(" (deleted)"); // its daemon's successor has removed it already
  }
}

/** A tick, and what the clock on the wall is adjusted by meanwhile. */
const CLOCK_SLACK_MS = 1_000;

/** Whether a process that was sighted is still there and still shows what proved it. Asked between taking its pidfd and signalling it. */
export async function isStillProven(sighting: Sighting): Promise<boolean> {
  const stat = readStat(sighting.pid);
  if (stat?.startTime !== sighting.startTime) return false;
  switch (sighting.proof) {
    case "recorded":
      return true;
    case "mark":
      return isMarked(await environOf(sighting.pid), sighting.incarnation);
    case "fifo":
      return holdsFifo(stat, sighting.incarnation);
    case "session":
      return stat.session === sighting.by?.pid;
    case "parent":
      return stat.parent === sighting.by?.pid && isSame(sighting.by);
  }
}

/** Whether the process of that pid is the one that began then. */
export const isSame = (process: { pid: number; startTime: string }): boolean =>
  process.startTime !== "" && readStat(process.pid)?.startTime === process.startTime;
