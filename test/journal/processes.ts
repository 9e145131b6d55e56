import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export type Program = ChildProcess & { lines: string[] };

const command = (name: string, args: string[]): string[] => [
  process.execPath,
  fileURLToPath(new URL(name, import.meta.url)),
  ...args,
];

/** Starts a program of this folder; it is killed after the test. */
export const startProgram = (name: string, ...args: string[]): Program =>
  started(command(name, args));

/** The same under strace, which makes calls of it fail. */
export const startFailing = (injection: string, name: string, ...args: string[]): Program =>
  started([
    "strace",
    "-f",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    `inject=${injection}`,
    ...command(name, args),
  ]);

function started([file = "", ...args]: string[]): Program {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  onTestFinished(() => kill(child));
  const lines: string[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
  });
  return Object.assign(child, { lines });
}

/** Kills it and waits until its last words were read. */
export async function killed(child: ChildProcess): Promise<void> {
  kill(child);
  await once(child, "close");
}

/** Its group: what strace traces survives strace. */
function kill({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
}
