import { setTimeout as pause } from "node:timers/promises";
import type { Found } from "../../machines/service-events.ts";
import { pidInUse } from "../posix/calls.ts";
import { isAlive, procIsOurs, readStat } from "../posix/proc.ts";
import type { OpenIncarnation } from "../runtime/ports.ts";
import { machineBoot, sameBoot, type Sighting } from "./identity.ts";
import { later, type Life, newLife } from "./life.ts";
import { type Scan, scan } from "./scan.ts";

/** How long an environment that is still empty is waited for, in milliseconds: it appears a moment after the exec. */
const UNSETTLED_MS = 1_000;
const AGAIN_MS = 50;
/** How often a process that nothing proves ours is looked at, in milliseconds. */
const WATCH_MS = 5_000;

const NONE: Found = { kind: "none" };

/** Where the runner keeps incarnations. */
export interface Lives {
  /** The incarnation as it is kept; undefined where it is not. */
  get(incarnation: string): Life | undefined;
  keep(life: Life): Life;
}

/**
 * What is left of incarnations of an earlier daemon, from one look over /proc for all of them.
 *
 * A process spawned under another boot of the machine is gone, whoever has its pid now. Where the boot has no name, or /proc does not show our
 * own PID namespace, a pid that is in use may be its and nothing proves it.
 */
export async function lookFor(
  open: readonly OpenIncarnation[],
  lives: Lives,
): Promise<Map<string, Found>> {
  const here = machineBoot();
  const current = open.filter((one) => sameBoot(one.machineBoot, here) !== false);
  const certain = current.filter((one) => procIsOurs() && sameBoot(one.machineBoot, here));
  const possible = new Map(certain.map((one) => [one, lives.get(one.incarnation) ?? lifeOf(one)]));
  const { sightings } = await scanSettled([...possible.values()]);
  const found = open.map((one): [string, Found] => {
    const life = possible.get(one);
    const seen = sightings.filter(({ incarnation }) => incarnation === one.incarnation);
    if (life && seen.length > 0) return [one.incarnation, proven(life, seen, lives)];
    return [one.incarnation, current.includes(one) ? doubted(one, lives) : NONE];
  });
  return new Map(found);
}

/** An incarnation out of the log, as the runner keeps it. */
function lifeOf(open: OpenIncarnation): Life {
  const life = newLife(open.stream, open.incarnation, "ended");
  const { pid, startTime } = open;
  if (startTime) life.suspect.notBefore = Number(startTime);
  if (pid === undefined || open.exited) return life;
  life.pid = pid;
  life.suspect.main = { pid, startTime: startTime ?? "" };
  life.exitTold = false;
  return life;
}

/** Looks until everything has an environment, a second at most; what has none for good, by design, delays it no longer. */
async function scanSettled(lives: readonly Life[]): Promise<Scan> {
  if (lives.length === 0) return { sightings: [], unsettled: false };
  const until = performance.now() + UNSETTLED_MS;
  const suspects = lives.map(({ suspect }) => suspect);
  for (;;) {
    const seen = await scan(suspects);
    const incarnations = new Set(seen.sightings.map(({ incarnation }) => incarnation));
    const isComplete =
      incarnations.size === new Set(lives.map(({ incarnation }) => incarnation)).size;
    if (isComplete || !seen.unsettled || performance.now() > until) return seen;
    await pause(AGAIN_MS);
  }
}

function proven(life: Life, seen: readonly Sighting[], lives: Lives): Found {
  const pids = seen.map(({ pid }) => pid);
  if (lives.get(life.incarnation) !== life) {
    if (life.pid !== undefined && pids.includes(life.pid)) life.stage = "up";
    lives.keep(life);
  }
  return { kind: "proven", pids };
}

/** What cannot be seen: a pid in use that may be its, or nothing. */
function doubted(open: OpenIncarnation, lives: Lives): Found {
  const kept = lives.get(open.incarnation);
  if (kept && kept.stage !== "ended") return { kind: "proven", pids: [] };
  if (open.pid === undefined || open.exited || !isDoubtful(open.pid, open.startTime)) return NONE;
  if (!kept) lives.keep({ ...lifeOf(open), unprovenPid: open.pid, exitTold: true });
  return { kind: "unproven", pid: open.pid };
}

/** Whether a pid is in use and nothing says by whom: it can be the process that once had it. */
function isDoubtful(pid: number, startTime: string | undefined): boolean {
  if (!procIsOurs()) return pidInUse(pid);
  const stat = readStat(pid);
  if (!stat) return pidInUse(pid); // hidden from us
  return isAlive(stat) && (!startTime || stat.startTime === startTime);
}

/**
 * Looks every 5 seconds at a process that nothing proves ours, signals nothing, and says when it is gone.
 * @param pid on record, where the look at the boot did not keep it
 */
export function watchUnproven(life: Life, pid: number, gone: (life: Life) => void): void {
  if (life.isWatched) return;
  life.isWatched = true;
  life.unprovenPid ??= pid;
  const look = () => {
    if (isDoubtful(pid, life.suspect.main?.startTime)) return later(life, WATCH_MS, look);
    delete life.unprovenPid;
    life.suspect.main = undefined;
    gone(life);
  };
  look();
}
