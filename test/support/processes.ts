import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isAlive, parseStat } from "../../src/posix/proc.ts";
import { until } from "./until.ts";

/** What reading gives, or "" where the process has ended meanwhile. */
const tried = (read: () => string): string => {
  try {
    return read();
  } catch {
    return "";
  }
};

const statOf = (pid: number) => parseStat(tried(() => readFileSync(`/proc/${pid}/stat`, "latin1")));

/** Whether a process of that pid lives; a zombie does not. */
export const isLive = (pid: number): boolean => {
  const stat = statOf(pid);
  return stat !== undefined && isAlive(stat);
};

/** When a process began, in ticks: with the pid it tells one process from another. */
export const startTimeOf = (pid: number): string | undefined => statOf(pid)?.startTime;

const pids = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Whether anything that a process shows has to do with a directory: environment, command line, place, open files. */
function mentions(pid: number, directory: string): boolean {
  const proc = `/proc/${pid}`;
  if (tried(() => readFileSync(`${proc}/environ`, "latin1")).includes(directory)) return true;
  if (tried(() => readFileSync(`${proc}/cmdline`, "latin1")).includes(directory)) return true;
  if (tried(() => readlinkSync(`${proc}/cwd`)).startsWith(directory)) return true;
  const files = tried(() => readdirSync(`${proc}/fd`).join("\n")).split("\n");
  return files.some((fd) => tried(() => readlinkSync(`${proc}/fd/${fd}`)).startsWith(directory));
}

/** Everything alive that has to do with a directory, our own process left out. */
export const processesAt = (directory: string): number[] =>
  pids().filter((pid) => pid !== process.pid && isLive(pid) && mentions(pid, directory));

/** A process and what it shows, for the message of a test that failed. */
export const describeProcess = (pid: number): string =>
  `${pid} ${tried(() => readFileSync(`/proc/${pid}/cmdline`, "latin1")).replaceAll("\0", " ")}`;

/** Sends a signal to one process, unless it is not there any more. */
export function signal(pid: number, name: NodeJS.Signals): void {
  if (pid <= 1) throw new Error(`${pid} is no process of a test's`); // 0 would be our own group
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** KILLs everything that has to do with a directory, until nothing is left. */
export async function endAllAt(directory: string): Promise<void> {
  await until(
    `nothing of ${directory} is alive`,
    () => {
      const left = processesAt(directory);
      for (const pid of left) signal(pid, "SIGKILL");
      return left.length === 0;
    },
    20_000,
    () => processesAt(directory).map(describeProcess),
  );
}
