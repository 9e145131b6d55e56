import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { ownLine } from "../../src/logs/line.ts";
import type { LogFile, LogIncident, LogPlace } from "../../src/logs/log-file.ts";
import { appendRotating } from "../../src/logs/rotate.ts";
import {
  type ServiceLogsOptions,
  type StartedServiceLogs,
  startServiceLogs,
} from "../../src/logs/service-logs.ts";
import { limits, modes } from "./limits.ts";

/** A directory that is gone after the test. */
export function tempDir(): string {
  const directory = mkdtempSync(join(tmpdir(), "logs-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface Running {
  logs: StartedServiceLogs;
  logDir: string;
  runDir: string;
  incidents: LogIncident[];
}

/** A real log thread over a directory; closed after the test. */
export async function startLogs(
  directory = tempDir(),
  options: Partial<ServiceLogsOptions> = {},
): Promise<Running> {
  const places = { logDir: join(directory, "logs"), runDir: join(directory, "run"), ...options };
  const incidents: LogIncident[] = [];
  const onEvent = (incident: LogIncident): void => void incidents.push(incident);
  const logs = await startServiceLogs({ ...limits, ...modes, onEvent, ...places });
  onTestFinished(() => logs.close());
  return { logs, logDir: places.logDir, runDir: places.runDir, incidents };
}

/** Waits until a condition holds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}`);
    await sleep(5);
  }
}

/** Starts a program; killed after the test if it is still there. */
export function start(
  command: string,
  args: string[],
  stdin: "ignore" | "pipe" = "ignore",
): ChildProcess {
  const child = spawn(command, args, { stdio: [stdin, "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Runs a program to its end. */
export async function run(command: string, args: string[], input = ""): Promise<void> {
  const child = start(command, args, input === "" ? "ignore" : "pipe");
  child.stdin?.end(input);
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${command} exited with ${code}`);
}

const WRITER = `
import os, sys, time
pipe = os.open(sys.argv[1], os.O_RDWR)
for line in sys.stdin:
    chunk = bytes.fromhex(line)
    while chunk: chunk = chunk[os.write(pipe, chunk):]
    time.sleep(0.003)
`;

/** A program that opens a pipe as services do and writes these chunks one by one. */
export const writeChunks = (pipe: string, chunks: readonly Buffer[]): Promise<void> =>
  run(
    "python3",
    ["-c", WRITER, pipe],
    chunks.map((chunk) => `${chunk.toString("hex")}\n`).join(""),
  );

/** Runs a shell script whose stdout and stderr are an incarnation's pipes. */
export const runShell = (
  pipes: { stdout: string; stderr: string },
  script: string,
): Promise<void> => run("sh", ["-c", `exec 1<>${pipes.stdout} 2<>${pipes.stderr}; ${script}`]);

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[(?:stdout|stderr)\] /;

/** The lines of a log without their stamps, byte for byte as latin1; fails on a line that has none. */
export function textsIn(path: string): string[] {
  const lines = readFileSync(path, "latin1").split("\n");
  if (lines.pop() !== "") throw new Error(`${path} does not end with a newline`);
  return lines.map((line) => {
    if (!STAMP.test(line)) throw new Error(`no stamp: ${line.slice(0, 80)}`);
    return line.replace(STAMP, "");
  });
}

/** A place for logs, for tests of files alone. */
export function tempPlace(options: Partial<LogPlace> = {}): LogPlace {
  return { logDir: tempDir(), ...limits, ...modes, ...options };
}

/** Stamped lines, as they are appended: `put(log, "a", "b")`. */
export function put(log: LogFile, ...texts: string[]): number {
  const bytes = Buffer.concat(texts.map((text) => ownLine(text, Date.now())));
  return appendRotating(log, bytes, texts.length);
}
