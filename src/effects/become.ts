import { setTimeout as pause } from "node:timers/promises";
import type { ExitStatus } from "../../machines/service-events.ts";
import { exitInWords } from "../../machines/service-context.ts";
import { processName } from "../posix/proc.ts";
import { explainRefusal, type Place } from "./program.ts";
import { problem, SpawnProblem } from "./spawn-problem.ts";

/** The longest pause between two looks, in milliseconds: an exec may hang on a dead mount. */
const MAX_PAUSE_MS = 250;

/**
 * Whether a process, or its zombie, is still one of the programs that it was wrapped in.
 *
 * @param wrappers their names; the service's own program must not be among them, since nothing tells the two apart
 */
export const isStill = (pid: number, wrappers: readonly string[]): boolean =>
  wrappers.includes(processName(pid) ?? "");

/** Waits until a process has become the program that it is to be, or nobody waits any more. Nothing tells of an exec, so it is looked at: two milliseconds are usual. */
export async function untilBecome(
  pid: number,
  wrappers: readonly string[],
  isOver: () => boolean,
): Promise<void> {
  for (let ms = 1; isStill(pid, wrappers) && !isOver(); ms = Math.min(1.5 * ms, MAX_PAUSE_MS))
    await pause(ms);
}

/** What a program that stands before others says by its exit code where it could not execute the next. Source: POSIX, 2.8.2 Exit Status; setpriv(1). */
const ERRNO_OF_CODE: Readonly<Record<number, string>> = { 126: "EACCES", 127: "ENOENT" };

/**
 * Why a process ended before it became the service's program.
 *
 * @param last the program that it was, by name
 * @param path the program that it was to be
 */
export async function whyNeverBecome(
  last: string,
  status: ExitStatus,
  path: string,
  place: Place,
): Promise<SpawnProblem> {
  const errno = ERRNO_OF_CODE[status.code ?? 0];
  const { runAs, dir } = place;
  const said = "what it said is in the service's log";
  if (last === "setpriv" && runAs) {
    const hint = "the daemon has to be allowed to change users (CAP_SETUID, CAP_SETGID)";
    return problem("EPERM", `\`setpriv\` could not make it ${runAs.name} (${said})`, hint);
  }
  if (errno !== undefined)
    return explainRefusal({ code: errno }, path, dir, runAs).catch(asProblem);
  const message = `\`${last}\`, which was to become \`${path}\`, ${exitInWords(status)} (${said})`;
  return new SpawnProblem({ errno: "EIO", message });
}

/** What was found out is thrown by some and returned by others. */
function asProblem(error: unknown): SpawnProblem {
  if (error instanceof SpawnProblem) return error;
  throw error;
}
