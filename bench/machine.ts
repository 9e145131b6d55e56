import { type ChildProcess, execFileSync, spawn, type StdioOptions } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Unavailable } from "./result.ts";

/** Runs something with a directory that is gone afterwards. */
export async function inDirectory<Value>(
  run: (directory: string) => Promise<Value>,
): Promise<Value> {
  const directory = mkdtempSync(join(tmpdir(), "bench-"));
  try {
    return await run(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const running = new Set<ChildProcess>();

/** Starts a program that is ended with us, should a benchmark fail and leave it behind. */
export function start(
  program: string,
  words: readonly string[],
  stdio: StdioOptions = "inherit",
): ChildProcess {
  const child = spawn(program, words, { stdio });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

process.once("exit", () => {
  for (const child of running) child.kill("SIGTERM"); // a daemon then ends its services
});

export function isInstalled(command: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/**
 * Compiles one of the C programs beside this file.
 *
 * @returns where it is
 * @throws Unavailable without a C compiler
 */
export function compiled(name: "born" | "again", directory: string): string {
  if (!isInstalled("cc"))
    throw new Unavailable("it needs a C compiler (Debian: apt-get install gcc)");
  const program = join(directory, name);
  execFileSync("cc", ["-O2", "-Wall", "-o", program, join(import.meta.dirname, `${name}.c`)]);
  return program;
}

/** Now, in microseconds of CLOCK_MONOTONIC, which the C programs read too. */
export const nowUs = (): number => Number(process.hrtime.bigint()) / 1_000;

/** Memory of a process that is in RAM, in megabytes of 10^6 bytes. Source: proc_pid_status(5), VmRSS. */
export function residentMB(pid: number): number {
  const [, kB] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return (Number(kB) * 1024) / 1e6;
}

/** A clock tick of /proc/pid/stat in seconds: USER_HZ is 100 wherever Node runs. Source: time(7). */
const TICK_S = 0.01;

/** Processor seconds of all threads of a process so far. Source: proc_pid_stat(5), utime and stime. */
export function processorSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_S;
}
