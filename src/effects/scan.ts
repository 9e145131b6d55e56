import { allPids, isAlive, procIsOurs, type ProcessStat, readStat } from "../posix/proc.ts";
import {
  fifoHeld,
  isRecorded,
  isYoungEnough,
  markOf,
  type Proof,
  type Sighting,
  stillHangs,
  type Suspect,
} from "./identity.ts";

/** How long the loop is held at a time, in milliseconds. */
const SLICE_MS = 2;

/** What one look over /proc gave. */
export interface Scan {
  /** Everything alive that is provably one of the suspects'; what hangs on another comes after it. */
  sightings: Sighting[];
  /** Something has no environment yet, as for a moment within an exec: another look may show more. */
  unsettled: boolean;
}

/**
 * Whoever asks while a scan is running shares the next one: a shutdown of a hundred services looks over /proc twice, not two hundred times.
 * @param all everybody whose processes are to be told apart, so that it is known of each whose it is
 */
export function createScanner(
  all: () => readonly Suspect[],
): (suspect: Suspect) => Promise<Sighting[]> {
  let waiting = new Set<Suspect>();
  let next: Promise<Scan> | undefined;
  let running: Promise<unknown> = Promise.resolve();
  const begin = () => {
    const suspects = new Set([...waiting, ...all()]);
    waiting = new Set();
    next = undefined;
    return scan([...suspects]);
  };
  return async (suspect) => {
    waiting.add(suspect);
    next ??= running = running.then(begin, begin);
    const { sightings } = await (next as Promise<Scan>);
    return sightings.filter(({ incarnation }) => incarnation === suspect.incarnation);
  };
}

/**
 * Looks over /proc once: first each process by itself, then what hangs on a proven one by its session or its parent.
 * What is found is remembered with its suspect. Where /proc is not there or another PID namespace's, nothing can be found.
 */
export async function scan(suspects: readonly Suspect[]): Promise<Scan> {
  if (!procIsOurs()) return { sightings: [], unsettled: false };
  const breathe = breather();
  const stats = await readStats(suspects, breathe);
  const found = new Map<number, Sighting>();
  let unsettled = false;
  for (const stat of stats.values()) {
    const seen = await direct(stat, suspects);
    if (seen === "unsettled") unsettled = true;
    else if (seen) found.set(stat.pid, seen);
    await breathe();
  }
  while (deriveOnce(stats, found, suspects)) await breathe();
  const sightings = [...found.values()].filter(isConfirmed);
  for (const suspect of suspects) remember(sightings, suspect);
  return { sightings, unsettled };
}

/** What was found now, and nothing that is gone. */
function remember(sightings: readonly Sighting[], suspect: Suspect): void {
  const its = sightings.filter(({ incarnation }) => incarnation === suspect.incarnation);
  suspect.members = new Map(its.map(({ pid, startTime }) => [pid, startTime]));
}

/** Lets the loop go on with other things, when it was held long enough. */
function breather(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < SLICE_MS) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        since = performance.now();
        resolve();
      });
    });
  };
}

/** All processes that can be a suspect's, by pid. */
async function readStats(
  suspects: readonly Suspect[],
  breathe: () => Promise<void> | undefined,
): Promise<Map<number, ProcessStat>> {
  const stats = new Map<number, ProcessStat>();
  for (const pid of allPids()) {
    const stat = pid > 1 && pid !== process.pid ? readStat(pid) : undefined;
    const isPossible = stat && !stat.kernel && isAlive(stat);
    if (isPossible && suspects.some((suspect) => isYoungEnough(stat, suspect)))
      stats.set(pid, stat);
    await breathe();
  }
  return stats;
}

const sighting = (
  { pid, startTime, group }: ProcessStat,
  { incarnation }: Suspect,
  proof: Proof,
  by?: Sighting["by"],
): Sighting => ({ incarnation, pid, startTime, group, proof, ...(by && { by }) });

/** What a process shows by itself. */
async function direct(
  stat: ProcessStat,
  suspects: readonly Suspect[],
): Promise<Sighting | "unsettled" | undefined> {
  const possible = suspects.filter((suspect) => isYoungEnough(stat, suspect));
  const named = (id: string | undefined) => possible.find(({ incarnation }) => incarnation === id);
  const recorded = possible.find((suspect) => isRecorded(stat, suspect));
  if (recorded) return sighting(stat, recorded, "recorded");
  const mark = await markOf(stat.pid);
  const marked = named(mark);
  if (marked) return sighting(stat, marked, "mark");
  const held = fifoHeld(
    stat,
    possible.map(({ incarnation }) => incarnation),
  );
  const holder = named(held);
  if (holder) return sighting(stat, holder, "fifo");
  return mark === "" ? "unsettled" : undefined;
}

/** Adds what hangs on what is found already. @returns whether there was any */
function deriveOnce(
  stats: ReadonlyMap<number, ProcessStat>,
  found: Map<number, Sighting>,
  suspects: readonly Suspect[],
): boolean {
  const before = found.size;
  for (const stat of stats.values()) {
    const derived = found.has(stat.pid) ? undefined : derive(stat, found, suspects);
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
  const other = leader ?? found.get(stat.parent);
  const suspect = suspects.find(({ incarnation }) => incarnation === other?.incarnation);
  if (!other || !suspect || !isYoungEnough(stat, suspect)) return undefined;
  const by = { pid: other.pid, startTime: other.startTime };
  return sighting(stat, suspect, leader ? "session" : "parent", by);
}

function isConfirmed(sighted: Sighting): boolean {
  if (!sighted.by) return true;
  const stat = readStat(sighted.pid);
  return stat?.startTime === sighted.startTime && stillHangs(stat, sighted);
}
