import { readFileSync, readlinkSync, statSync } from "node:fs";
import { boottimeMs } from "../posix/calls.ts";
import {
  isAlive,
  openFilesWith,
  procIsOurs,
  type ProcessStat,
  readEnviron,
  readStat,
  valueIn,
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
 *
 * Kernel boot id, inode of the namespace and start time of its first process, `id/inode/ticks`: the kernel gives the inode of a namespace that is gone to the
 * next one. A part that cannot be read is `unknown`. Source: proc_sys_kernel(5), pid_namespaces(7).
 */
export function machineBoot(): string {
  const boot = tried(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1"));
  const namespace = tried(() => readlinkSync("/proc/self/ns/pid"));
  const first = procIsOurs() ? readStat(1)?.startTime : undefined; // hidden by hidepid, for one
  return `${boot}/${/\d+/.exec(namespace)?.[0] ?? UNKNOWN}/${first ?? UNKNOWN}`;
}

/** Whether two names of machine boots are known to be of the same one, known to differ, or neither. Where the first process is hidden from both, its namespace must do. */
export function sameBoot(a: string, b: string): boolean | undefined {
  const [bootA, namespaceA, firstA = UNKNOWN] = a.split("/");
  const [bootB, namespaceB, firstB = UNKNOWN] = b.split("/");
  if ([bootA, namespaceA, bootB, namespaceB].includes(UNKNOWN)) return undefined;
  if (bootA !== bootB || namespaceA !== namespaceB) return false;
  if (firstA === firstB) return true;
  return [firstA, firstB].includes(UNKNOWN) ? undefined : false;
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

/** How long an environment may take to be read, in milliseconds. */
const PATIENCE_MS = 200;

/** Whether a process can be the suspect's at all: not older than its request. */
export const isYoungEnough = (stat: ProcessStat, suspect: Suspect): boolean =>
  Number(stat.startTime) >= (suspect.notBefore ?? 0);

/** Proof by the record: pid and start time as they were when it was spawned, or seen before, in this boot of the machine. */
export const isRecorded = (stat: ProcessStat, { main, members }: Suspect): boolean =>
  (main?.pid === stat.pid && main.startTime === stat.startTime) ||
  members.get(stat.pid) === stat.startTime;

/** Proof by the environment, which only descendants have: the incarnation it names. "" where it is empty, as for a moment within an exec. */
export async function markOf(pid: number): Promise<string | undefined> {
  const environ = await readEnviron(pid, PATIENCE_MS);
  return environ === "" ? "" : valueIn(environ ?? "", MARK);
}

/**
 * Proof by the output: which incarnation's FIFO is open for reading and writing, as we open it for what we spawn, in a process not older than the FIFO.
 * The FIFO has the incarnation's id in its path.
 */
export function fifoHeld(stat: ProcessStat, incarnations: readonly string[]): string | undefined {
  const named = (path: string) => incarnations.find((incarnation) => path.includes(incarnation));
  const file = openFilesWith(stat.pid, (path) => named(path) !== undefined).find(
    ({ path, readWrite }) => readWrite && isFifoOlderThan(stat, path),
  );
  return file && named(file.path);
}

/** A tick, and what the clock on the wall may be adjusted by meanwhile. */
const CLOCK_SLACK_MS = 1_000;

function isFifoOlderThan(stat: ProcessStat, path: string): boolean {
  try {
    const file = statSync(path);
    const startedAt = Date.now() - boottimeMs() + Number(stat.startTime) * TICK_MS;
    return file.isFIFO() && startedAt >= file.birthtimeMs - CLOCK_SLACK_MS;
  } catch {
    return path.endsWith(" (deleted)"); // removed by us when its main process had ended
  }
}

/** Whether a process hangs on the proven one still, and that one is still the same: then no number changed hands in between. */
export function stillHangs(stat: ProcessStat, { proof, by }: Sighting): boolean {
  if (!by) return true;
  if (proof === "session") return stat.session === by.pid;
  return stat.parent === by.pid && isSame(by);
}

/** Whether a process that was sighted is still there and still shows what proved it. Asked between taking its pidfd and signalling it. */
export async function isStillProven(sighting: Sighting): Promise<boolean> {
  const stat = readStat(sighting.pid);
  if (stat?.startTime !== sighting.startTime) return false;
  if (sighting.proof === "mark") return (await markOf(sighting.pid)) === sighting.incarnation;
  if (sighting.proof === "fifo") return fifoHeld(stat, [sighting.incarnation]) !== undefined;
  return stillHangs(stat, sighting);
}

/** Whether the process that began then is there, and no zombie. */
export function livesStill({ pid, startTime }: { pid: number; startTime: string }): boolean {
  const stat = readStat(pid);
  return stat?.startTime === startTime && isAlive(stat);
}

/** Whether the process of that pid is the one that began then. */
export const isSame = (known: { pid: number; startTime: string }): boolean =>
  readStat(known.pid)?.startTime === known.startTime;
