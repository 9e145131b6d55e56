import { setTimeout as pause } from "node:timers/promises";
import type { ResolvedDefinition } from "../../machines/definition.ts";
import type { ExitStatus } from "../../machines/service-events.ts";
import type { Logger } from "../base/logger.ts";
import type { ServiceLogs } from "../logs/ports.ts";
import type { Children } from "../pid1/children.ts";
import { groupInUse } from "../posix/calls.ts";
import { procIsOurs, readStat } from "../posix/proc.ts";
import type { Report, RunnerReport } from "../runtime/ports.ts";
import type { Answer } from "./answer.ts";
import { livesStill, type Sighting, type Suspect } from "./identity.ts";
import { signalAll } from "./kill.ts";
import { later, type Life } from "./life.ts";

/** A gentle end that is asked for: a signal and a time, and the definition where that has a stop command. */
interface GentleEnd {
  signal: string;
  timeoutMs: number;
  definition?: ResolvedDefinition;
}

/** How incarnations end: by themselves, gently, by force; and when nothing of one is left. */
export interface Ending {
  /** A gentle end, then KILL; a second call may only shorten the time. */
  stop(life: Life, how: GentleEnd): void;
  /** What a stop that came during the spawn asked for. */
  stopNow(life: Life): void;
  /** The main process ended. */
  mainEnded(life: Life, status: ExitStatus): void;
  /** KILLs what is left and reports `incarnation.emptied` when there is nothing. */
  clear(life: Life): void;
  /** The incarnation is over; nothing of it is left. */
  close(life: Life, facts?: readonly RunnerReport[]): void;
}

interface EndingDeps {
  children: Children;
  report: Report;
  logs: Pick<ServiceLogs, "finish">;
  find: (suspect: Suspect) => Promise<Sighting[]>;
  /** All incarnations that are not over. */
  suspects: () => readonly Suspect[];
  /** Runs a service's stop command to its end, or until it is aborted. Never rejects. */
  runStopCommand: (
    life: Life,
    definition: ResolvedDefinition,
    signal: AbortSignal,
  ) => Promise<Answer>;
  /** Told when an incarnation is over. */
  forget: (life: Life) => void;
  logger: Logger;
}

/** What survives KILL for so long is reported, in milliseconds. */
const UNKILLABLE_MS = 5_000;
/** How long a service's last words are waited for, in milliseconds. */
const DRAIN_MS = 2_000;
/** The longest a zombie is kept so that its number proves its session, in milliseconds. */
const ZOMBIE_MS = 500;
/** How long the look before a gentle end may take, in milliseconds. */
const PATIENCE_MS = 500;
/** How often an earlier daemon's process is looked at while it ends, in milliseconds. */
const LOOK_MS = 50;
/** How often it is looked whether what a start left behind is still there, in milliseconds. */
const ORPHANS_MS = 1_000;
/** How soon an end that failed in our own code is tried again, in milliseconds. */
const RETRY_MS = 1_000;
/** The longest pause between two looks for what is left, in milliseconds. */
const MAX_PAUSE_MS = 250;

/** The ways to an end lead into each other, so they stand together, longer than a file should be. */
export function createEnding(deps: EndingDeps): Ending {
  const { children, report, logs, find, logger } = deps;
  const tell = (life: Life, ...facts: readonly RunnerReport[]) => report(life.stream, facts);

  function stop(life: Life, { signal, timeoutMs, definition }: GentleEnd): void {
    if (life.unprovenPid !== undefined) return;
    const deadline = performance.now() + timeoutMs;
    if (life.stop && life.stop.deadline <= deadline) return;
    const isFirst = !life.stop;
    life.stop = { signal, definition, ...life.stop, deadline };
    if (life.stage === "asked") return close(life);
    if (life.stage === "ended" && !life.stopCommand) {
      if (!life.keepsOrphans) return clear(life);
      if (isFirst) void endOrphans(life, signal).catch(failed(life));
      return later(life, timeoutMs, () => life.stop?.deadline === deadline && clear(life));
    }
    later(life, timeoutMs, () => life.stop?.deadline === deadline && kill(life));
    if (isFirst && life.stage === "up") stopNow(life);
    if (isFirst && life.stage === "spawning")
      later(life, UNKILLABLE_MS, () => void sayItHangs(life).catch(failed(life)));
  }

  /** The signal to what the main process left behind, until nothing of it is left. At the deadline it gets KILL. */
  async function endOrphans(life: Life, signal: string): Promise<void> {
    const left = await find(life.suspect);
    await signalGroups(left, new Set([life.pid, ...topGroups(left)]), signal);
    while (life.stage === "ended") {
      await pause(LOOK_MS);
      if ((await find(life.suspect)).length === 0) return clear(life);
    }
  }

  function stopNow(life: Life): void {
    gentlyEnd(life).catch(failed(life));
  }

  /** First a look at all that is its: once the main process is gone, what was proven by hanging on it is no longer. Then its stop command, or the signal to its group. */
  async function gentlyEnd(life: Life): Promise<void> {
    const seen = await Promise.race([find(life.suspect), pause(PATIENCE_MS, [])]);
    if (life.stage !== "up" || life.pid === undefined) return;
    if (!life.isChild) watchFound(life);
    const definition = life.stop?.definition;
    if (definition && (await endedByCommand(life, definition))) return;
    const signal = life.stop?.signal ?? "TERM";
    // CONT, since one that is stopped does not see the other
    if (life.isChild) for (const each of [signal, "CONT"]) children.signalGroup(life.pid, each);
    else await signalFound(life, definition ? await find(life.suspect) : seen, signal);
  }

  /**
   * Runs the stop command. What it does after the main process ended is waited for, until the deadline.
   * @returns false where it failed, and the main process is to be signalled
   */
  async function endedByCommand(life: Life, definition: ResolvedDefinition): Promise<boolean> {
    if (isLate(life)) return true;
    const running = (life.stopCommand = new AbortController());
    const answer = await deps.runStopCommand(life, definition, running.signal);
    life.stopCommand = undefined;
    if (running.signal.aborted) return true;
    if (life.stage === "ended") {
      clear(life);
      drain(life);
    }
    if (answer.ok || life.stage !== "up") return true;
    const { incarnation } = life;
    tell(life, { type: "process.stop_command_failed", incarnation, reason: answer.reason });
    return false;
  }

  /** An earlier daemon's process: nothing holds its group's number, so each member is signalled by itself. */
  const signalFound = (life: Life, seen: readonly Sighting[], signal: string): Promise<void> =>
    signalGroups(seen, new Set([life.pid]), signal);

  async function signalGroups(
    seen: readonly Sighting[],
    groups: ReadonlySet<number | undefined>,
    signal: string,
  ): Promise<void> {
    const meant = seen.filter(({ group }) => groups.has(group));
    await signalAll(meant, signal, logger);
    await signalAll(meant, "CONT", logger);
  }

  function watchFound(life: Life): void {
    if (life.stage !== "up") return;
    if (isMainAlive(life)) later(life, LOOK_MS, () => watchFound(life));
    else mainEnded(life, {});
  }

  function kill(life: Life): void {
    if (life.stage === "closed" || (life.stage === "ended" && !life.stopCommand)) return;
    tell(life, { type: "process.kill_sent", incarnation: life.incarnation });
    if (life.pid !== undefined) children.signalGroup(life.pid, "KILL");
    life.stopCommand?.abort();
    clear(life);
    if (life.stage === "ended") drain(life);
  }

  async function sayItHangs(life: Life): Promise<void> {
    if (life.stage !== "spawning") return;
    const [first] = await find(life.suspect);
    if (life.stage === "spawning") sayUnkillable(life, first?.pid ?? 0);
  }

  function sayUnkillable(life: Life, pid: number): void {
    if (life.isUnkillableTold) return;
    life.isUnkillableTold = true;
    tell(life, { type: "process.unkillable", incarnation: life.incarnation, pid });
  }

  function mainEnded(life: Life, status: ExitStatus): void {
    life.stage = "ended";
    life.suspect.main = undefined;
    if (life.keepsOrphans && !life.stop && status.code === 0) return leaveOrphans(life, status);
    const isLast = killGroup(life) && !life.stop && !life.isClearing;
    const exited = exitOf(life, status);
    if (isLast) {
      release(life);
      close(life, exited);
      return drain(life);
    }
    report(life.stream, exited);
    later(life, ZOMBIE_MS, () => release(life));
    if (life.stopCommand && !life.stopCommand.signal.aborted) return rememberAll(life);
    clear(life);
    drain(life);
  }

  /** What it left goes on without it, and its output is read on; when nothing of it is left, that is told. */
  function leaveOrphans(life: Life, status: ExitStatus): void {
    report(life.stream, exitOf(life, status));
    later(life, ZOMBIE_MS, () => release(life));
    lookAfterOrphans(life).catch(failed(life));
  }

  async function lookAfterOrphans(life: Life): Promise<void> {
    for (let empty = 0; life.stage === "ended" && !life.stop;) {
      const left = await find(life.suspect);
      empty = left.length === 0 ? empty + 1 : 0;
      if (empty === 2 && !life.stop && !life.isClearing) return close(life);
      await pause(empty === 0 ? ORPHANS_MS : MAX_PAUSE_MS);
    }
  }

  /** Its stop command goes on: what its main process left is ended after that, and is found again by what a look shows now. */
  function rememberAll(life: Life): void {
    find(life.suspect).catch(failed(life));
  }

  /** Its last words: the end of the pipe decides, not the end of the process. */
  function drain(life: Life): void {
    if (!life.hasOutput) return;
    life.hasOutput = false;
    const { incarnation } = life;
    logs.finish(incarnation, DRAIN_MS).then(
      ({ offset, lines, droppedBytes }) =>
        tell(life, {
          type: "output.ended",
          incarnation,
          logTo: offset,
          lines,
          ...(droppedBytes > 0 && { droppedBytes }),
        }),
      (error: unknown) => logger.error({ err: error, incarnation }, "output could not be finished"),
    );
  }

  /** The group of a main process that ended gets KILL while its zombie holds the number. @returns whether nothing else is left either, as far as we know at once */
  function killGroup(life: Life): boolean {
    if (!life.isChild || life.pid === undefined) return false;
    children.signalGroup(life.pid, "KILL");
    return children.orphans()?.every((pid) => isAnothers(life, pid)) ?? false;
  }

  /** Whether an orphan was seen to be another incarnation's. */
  function isAnothers(life: Life, pid: number): boolean {
    const startTime = readStat(pid)?.startTime ?? "";
    return deps
      .suspects()
      .some((other) => other !== life.suspect && other.members.get(pid) === startTime);
  }

  /** Lets the main process's number go. */
  function release(life: Life): void {
    if (life.stage !== "ended") return;
    life.suspect.session = undefined;
    if (life.isChild && life.pid !== undefined) children.reap(life.pid);
  }

  function clear(life: Life): void {
    if (life.isClearing || life.stage === "closed") return;
    life.isClearing = true;
    clearUntilEmpty(life).catch((error: unknown) => {
      failed(life)(error);
      life.isClearing = false;
      later(life, RETRY_MS, () => clear(life));
    });
  }

  /** Looks and KILLs until two looks in a row found nothing: one alone may miss what is being forked meanwhile. */
  async function clearUntilEmpty(life: Life): Promise<void> {
    const since = performance.now();
    let empty = 0;
    for (let ms = 1; !isClosed(life); ms = Math.min(2 * ms, MAX_PAUSE_MS)) {
      const left = await find(life.suspect);
      await signalAll(left, "KILL", logger);
      release(life);
      noteFoundMain(life, left);
      empty = left.length === 0 && life.stage === "ended" && !isGroupLeft(life) ? empty + 1 : 0;
      if (empty === 2) return close(life);
      const late = performance.now() - since >= UNKILLABLE_MS;
      if (late && !isClosed(life)) sayUnkillable(life, left[0]?.pid ?? life.pid ?? 0);
      if (empty === 0) await pause(ms);
    }
  }

  function noteFoundMain(life: Life, left: readonly Sighting[]): void {
    if (life.isChild || life.stage !== "up" || left.some(({ pid }) => pid === life.pid)) return;
    if (!isMainAlive(life)) mainEnded(life, {});
  }

  function close(life: Life, facts: readonly RunnerReport[] = []): void {
    if (life.stage === "closed") return;
    release(life);
    life.stage = "closed";
    life.stopCommand?.abort();
    for (const timer of life.timers) clearTimeout(timer);
    deps.forget(life);
    tell(life, ...facts, ...exitOf(life, {}), {
      type: "incarnation.emptied",
      incarnation: life.incarnation,
    });
    drain(life);
  }

  const failed = (life: Life) => (error: unknown) =>
    logger.error(
      { err: error, incarnation: life.incarnation },
      "an incarnation could not be ended",
    );

  return { stop, stopNow, mainEnded, clear, close };
}

/** The end of the main process, if it is not told yet. */
function exitOf(life: Life, status: ExitStatus): RunnerReport[] {
  if (life.exitTold) return [];
  life.exitTold = true;
  return [{ type: "process.exited", incarnation: life.incarnation, status }];
}

/** Whether a main process that an earlier daemon spawned lives still. */
const isMainAlive = ({ suspect: { main } }: Life): boolean =>
  main !== undefined && livesStill(main);

/** The groups of those whose parent is none of them: where a daemon made a session of its own, that and its group, and not what it has to end by itself. */
function topGroups(seen: readonly Sighting[]): number[] {
  const pids = new Set(seen.map(({ pid }) => pid));
  return seen.filter(({ pid }) => !pids.has(readStat(pid)?.parent ?? 0)).map(({ group }) => group);
}

/** Whether the time for a gentle end is over. */
const isLate = ({ stop }: Life): boolean =>
  stop !== undefined && stop.deadline <= performance.now();

const isClosed = ({ stage }: Life): boolean => stage === "closed";

/** Without a /proc of our own nothing is found, but the kernel still says whether the group has members. */
const isGroupLeft = (life: Life): boolean =>
  life.isChild && life.pid !== undefined && !procIsOurs() && groupInUse(life.pid);
