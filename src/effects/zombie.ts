import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { AppError, messageOf } from "../base/errors.ts";
import { allPids, processName, readStat } from "../posix/proc.ts";
import { SHELL } from "./launch.ts";

const run = promisify(execFile);

/** The shell ends at once; what it started is orphaned, comes to us, and ends a moment later. */
const SCRIPT = "(sleep 0.3 || :) </dev/null >/dev/null 2>&1 & echo $!";

/** For tests of the reaper. @returns the pid of an orphan that will be a zombie until somebody reaps it */
export async function createZombie(): Promise<number> {
  try {
    const { stdout } = await run(SHELL, ["-c", SCRIPT], { env: process.env, timeout: 5_000 });
    return Number(stdout);
  } catch (error) {
    throw new AppError("internal", `no zombie could be made: ${messageOf(error)}`);
  }
}

/** What a process is now. */
export function lookAtProcess(
  pid: number,
): { name: string; state: string; parent: number } | undefined {
  const stat = allPids().includes(pid) ? readStat(pid) : undefined; // a thread can be read, too, and is not listed
  return stat && { name: processName(pid) ?? "", state: stat.state, parent: stat.parent };
}
