import { pageBytes } from "../posix/calls.ts";
import { allStats, isAlive, procIsOurs } from "../posix/proc.ts";

/** What the processes of a service take. */
export interface Usage {
  /** Processor time of those that are there, from when each began, in milliseconds. */
  cpuMs: number;
  rssBytes: number;
  processes: number;
}

/** USER_HZ, which the kernel fixes for programs. Source: time(7), "The software clock, HZ, and jiffies". */
const TICK_MS = 10;
/** An answer is good for so long: whoever looks at many pages must not make us read /proc for each. */
const GOOD_MS = 1_000;

/** What every service takes, by name; who asks again within a second gets the same answer. Empty where there is no /proc. */
export type UsageOf = () => { at: number; services: ReadonlyMap<string, Usage> };

/**
 * Each main process leads a session of its own, and what belongs to a service is counted by that session: one look over /proc for all of them. What left
 * the session is not counted.
 *
 * @param mains pid of each service's main process, by its name
 * @param now milliseconds of a clock that never goes back
 */
export function usageOf(mains: () => ReadonlyMap<string, number>, now: () => number): UsageOf {
  let last: ReturnType<UsageOf> = { at: -Infinity, services: new Map() };
  return () => {
    const at = now();
    if (at - last.at >= GOOD_MS) last = { at, services: look(mains()) };
    return last;
  };
}

function look(mains: ReadonlyMap<string, number>): Map<string, Usage> {
  if (mains.size === 0 || !procIsOurs()) return new Map();
  const names = new Map([...mains].map(([name, pid]) => [pid, name]));
  const page = pageBytes();
  const found = new Map<string, Usage>();
  for (const stat of allStats()) {
    const name = names.get(stat.session);
    if (name === undefined || !isAlive(stat)) continue;
    const {
      cpuMs,
      rssBytes,
      processes: count,
    } = found.get(name) ?? { cpuMs: 0, rssBytes: 0, processes: 0 };
    found.set(name, {
      cpuMs: cpuMs + stat.ticks * TICK_MS,
      rssBytes: rssBytes + stat.pages * page,
      processes: count + 1,
    });
  }
  return found;
}
