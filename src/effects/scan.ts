import { allPids, isAlive, type ProcessStat, readStat } from "../posix/proc.ts";
import {
  environOf,
  holdsFifo,
  isMarked,
  isRecorded,
  isSame,
  isYoungEnough,
  type Proof,
  type Sighting,
  type Suspect,
} from "./identity.ts";

/** How long the loop is held at a time, in milliseconds. */
const SLICE_MS = 2;

/** Everything alive that is provably one of the suspects', from one look over /proc that begins now. */
export type Scan = (suspects: readonly Suspect[]) => Promise<Sighting[]>;

/** Scans for whoever asks while one is running are one: a shutdown of a hundred services looks over /proc twice, not two hundred times. */
export function createScanner(): (suspect: Suspect) => Promise<Sighting[]> {
  let waiting: Suspect[] = [];
  let next: Promise<Sighting[]> | undefined;
  let running: Promise<unknown> = Promise.resolve();
  const begin = () => {
    const suspects = waiting;
    waiting = [];
    next = undefined;
    return scan(suspects);
  };
  return async (suspect) => {
    waiting.push(suspect);
    next ??= running = running.then(begin, begin);
    const found = await next;
    return found.filter(({ incarnation }) => incarnation === suspect.incarnation);
  };
}

/**
 * Looks over /proc once: first each process by itself, then what hangs on a proven one by its session or its parent.
 * What is found is remembered with its suspect. The order is such that what hangs on another comes after it.
 */
export const scan: Scan = async (suspects) => {
  const stats = await readStats(suspects);
  const found = new Map<number, Sighting>();
  const isQuick = sliced();
  for (const stat of stats.values()) {
    const sighting = await direct(stat, suspects);
    if (sighting) found.set(stat.pid, sighting);
    if (!isQuick()) await breath();
  }
  while (deriveOnce(stats, found, suspects)) if (!isQuick()) await breath();
  const confirmed = [...found.values()].filter(isConfirmed);
  for (const { incarnation, pid, startTime } of confirmed) {
    suspects.find((suspect) => suspect.incarnation === incarnation)?.members.set(pid, startTime);
  }
  return confirmed;
};

const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Says whether the loop may be held longer; after a no it begins to count anew. */
function sliced(): () => boolean {
  let since = performance.now();
  return () => {
    if (performance.now() - since < SLICE_MS) return true;
    since = performance.now();
    return false;
  };
}

/** All processes that can be a suspect's, by pid. */
async function readStats(suspects: readonly Suspect[]): Promise<Map<number, ProcessStat>> {
  const stats = new Map<number, ProcessStat>();
  const isQuick = sliced();
  for (const pid of allPids()) {
    const stat = pid > 1 && pid !== process.pid ? readStat(pid) : undefined;
    const isPossible = stat && !stat.kernel && isAlive(stat);
    if (isPossible && suspects.some((suspect) => isYoungEnough(stat, suspect))) stats.set(pid, stat);
    if (!isQuick()) await breath();
  }
  return stats;
}

const sighting = (
  stat: ProcessStat,
  { incarnation }: Suspect,
  proof: Proof,
  by?: Sighting["by"],
): Sighting => ({
  incarnation,
  pid: stat.pid,
  startTime: stat.startTime,
  group: stat.group,
  proof,
  ...(by && { by }),
});

/** What a process shows by itself. */
async function direct(
  stat: ProcessStat,
  suspects: readonly Suspect[],
): Promise<Sighting | undefined> {
  const possible = suspects.filter((suspect) => isYoungEnough(stat, suspect));
  const recorded = possible.find((suspect) => isRecorded(stat, suspect));
  if (recorded) return sighting(stat, recorded, "recorded");
  const environ = await environOf(stat.pid);
  const marked = possible.find(({ incarnation }) => isMarked(environ, incarnation));
  if (marked) return sighting(stat, marked, "mark");
  const holder = possible.find(({ incarnation }) => holdsFifo(stat, incarnation));
  return holder && sighting(stat, holder, "fifo");
}

/** Adds what hangs on what is found already. @returns whether there was any */
function deriveOnce(
  stats: ReadonlyMap<number, ProcessStat>,
  found: Map<number, Sighting>,
  suspects: readonly Suspect[],
): boolean {
  const before = found.size;
  for (const stat of stats.values()) {
    if (found.has(stat.pid)) continue;
    const derived = derive(stat, found, suspects);
    if (derived) found.set(stat.pid, derived);
  }
  return found.size > before;
}

function derive(
  stat: ProcessStat,
  found: ReadonlyMap<number, Sighting>,
  suspects: readonly Suspect[],
): Sighting | undefined {
  const held = suspects.find(({ session }) => session === stat.session);
  if (held) return sighting(stat, held, "session", { pid: stat.session, startTime: "" });
  const leader = found.get(stat.session);
  const parent = found.get(stat.parent);
  const other = leader ?? parent;
  const suspect = suspects.find(({ incarnation }) => incarnation === other?.incarnation);
  if (!other || !suspect || !isYoungEnough(stat, suspect)) return undefined;
  return sighting(stat, suspect, leader ? "session" : "parent", other);
}

/** Whether what a process hangs on is still there, so that its number meant the same when the process was read. */
const isConfirmed = ({ by }: Sighting): boolean => !by || by.startTime === "" || isSame(by);
