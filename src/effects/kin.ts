import { procIsOurs, type ProcessStat, readStat } from "../posix/proc.ts";
import { fifoHeld, isRecorded, isYoungEnough, markOf, type Suspect } from "./identity.ts";

/** So far up a process is followed: deeper than anybody nests. */
const MOST_ANCESTORS = 64;

/**
 * Whether one process is an incarnation's, looked at from itself upwards: a look over all of /proc for each message that somebody sends would cost too much.
 *
 * The process itself is read before this returns, so that one that ends a moment later, and its zombie, are known by their session.
 */
export async function isKin(pid: number, suspect: Suspect): Promise<boolean> {
  if (!procIsOurs()) return false;
  const line: ProcessStat[] = [];
  for (
    let stat = candidate(pid, suspect);
    stat && line.length < MOST_ANCESTORS;
    stat = candidate(stat.parent, suspect)
  ) {
    line.push(stat);
    if (isKnown(stat, suspect) || (await shows(stat, suspect))) return isUnchanged(line);
  }
  return false;
}

function candidate(pid: number, suspect: Suspect): ProcessStat | undefined {
  const stat = pid > 1 && pid !== process.pid ? readStat(pid) : undefined;
  return stat && isYoungEnough(stat, suspect) ? stat : undefined;
}

/** By what we know already: nothing has to be asked of the process. */
const isKnown = (stat: ProcessStat, suspect: Suspect): boolean =>
  stat.session === suspect.session || isRecorded(stat, suspect);

/** By what it carries. */
async function shows(stat: ProcessStat, { incarnation }: Suspect): Promise<boolean> {
  return (await markOf(stat.pid)) === incarnation || fifoHeld(stat, [incarnation]) === incarnation;
}

/** Whether each is still who it was, and hangs on the next: then no number changed hands while they were looked at. */
const isUnchanged = (line: readonly ProcessStat[]): boolean =>
  line.every(({ pid, startTime, parent }, index) => {
    const now = readStat(pid);
    const isLast = index === line.length - 1;
    return now?.startTime === startTime && (isLast || now.parent === parent);
  });
