import { waitingFor as needsDown } from "../../machines/policies.ts";
import { exitInWords, hasProcess } from "../../machines/service-context.ts";
import type { Clock } from "../base/clock.ts";
import type { ServiceRow } from "../projections/services.ts";
import type { Phase, ServiceView } from "./ports.ts";

type Find = (name: string) => ServiceRow | undefined;

/** What a pending service waits for, in words: names of needs, or an old process. */
export function waitingFor({ phase, context }: ServiceRow, find: Find): string[] {
  if (context.unprovenPid !== undefined) return [`process ${context.unprovenPid}`];
  return phase === "pending" ? needsDown(context, { service: find }) : [];
}

/** One that is down for good does not loop any more, though it still remembers. */
export const isCrashLooping = ({
  phase,
  context,
}: Pick<ServiceRow, "phase" | "context">): boolean =>
  context.crashLooping && phase !== "stopped" && phase !== "failed";

function flagsOf({ phase, context, quarantined }: ServiceRow): ServiceView["flags"] {
  return [
    ...(isCrashLooping({ phase, context }) ? (["crash-looping"] as const) : []),
    ...(context.unkillablePid === undefined ? [] : (["unkillable"] as const)),
    ...(quarantined === null ? [] : (["quarantined"] as const)),
    ...(context.unhealthy === undefined ? [] : (["unhealthy"] as const)),
  ];
}

/** Why it is not as it should be, in words. */
function errorOf({ phase, context, quarantined }: ServiceRow): string | undefined {
  if (quarantined !== null) return `quarantined: ${quarantined}`;
  if (context.unkillablePid !== undefined)
    return `process ${context.unkillablePid} survives SIGKILL`;
  if (context.unprovenPid !== undefined) {
    return `process ${context.unprovenPid} may be of an earlier life and nothing proves it ours: end it by hand`;
  }
  if (context.unhealthy !== undefined) return `unhealthy: ${context.unhealthy}`;
  if (phase === "starting" && context.unready !== undefined) {
    return `not ready yet: ${context.unready}`;
  }
  if (phase === "stopped" && context.desired === "stopped") return undefined;
  return (
    context.error ??
    (phase === "failed" && context.lastExit ? exitInWords(context.lastExit) : undefined)
  );
}

/** A service of the read model as commands show it. */
export function viewOf(row: ServiceRow, find: Find, clock: Clock, logFile: string): ServiceView {
  const { context } = row;
  const error = errorOf(row);
  const waits =
    row.phase === "crashed" && context.dueAt !== undefined && context.open === undefined;
  return {
    name: row.name,
    definition: context.definition,
    version: context.version,
    phase: row.phase as Phase, // the machine's states, but for `deleted`, which has no row
    desired: context.desired,
    restartCount: context.restartCount,
    waitingFor: waitingFor(row, find),
    flags: flagsOf(row),
    logFile,
    ...(hasProcess(context) && context.open?.pid !== undefined && { pid: context.open.pid }),
    ...(context.startedAt !== undefined && { startedAt: context.startedAt }),
    ...(error !== undefined && { error }),
    ...(waits && { nextRestartAt: (context.dueAt ?? 0) + clock.wall() - clock.now() }),
    ...(context.lastExit && { lastExit: context.lastExit }),
    ...(context.open && { incarnation: context.open.id }),
  };
}
