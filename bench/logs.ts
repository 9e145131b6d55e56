import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startServiceLogs } from "../src/logs/service-logs.ts";

/*
 * How fast service output gets from a pipe into a file: lines of 100 bytes, written in bulk or line by line,
 * by 1 and by 50 programs. The floor is `cat` from the pipe to a file, which neither stamps nor rotates.
 */

/** One figure, as a table row. */
export interface Result {
  name: string;
  value: number;
  unit: string;
  /** value / the floor's value in the same run. */
  ratio: number;
  /** Processor seconds for each gigabyte taken in. */
  cpuPerGB: number;
}

interface Load {
  name: string;
  writers: number;
  /** Bytes a write(2). */
  writeBytes: number;
  /** Bytes of each writer. */
  bytes: number;
}

const LINE = `${"x".repeat(99)}\n`;
const MB = 1_000_000;
const LOADS: Load[] = [
  { name: "bulk, 1 writer", writers: 1, writeBytes: 100_000, bytes: 300 * MB },
  { name: "bulk, 50 writers", writers: 50, writeBytes: 100_000, bytes: 6 * MB },
  { name: "lines, 1 writer", writers: 1, writeBytes: 100, bytes: 60 * MB },
  { name: "lines, 50 writers", writers: 50, writeBytes: 100, bytes: 2 * MB },
];

/** Takes what is written to its pipes; `end` waits for all of it and tells the processor seconds it took. */
interface Taker {
  pipes: string[];
  end(): Promise<number>;
}

type Subject = (directory: string, writers: number) => Promise<Taker>;

const ours: Subject = async (directory, writers) => {
  const limits = { rotateBytes: 10 * MB, keep: 5, totalBytes: 1000 * MB };
  const modes = { fileMode: 0o644, dirMode: 0o755 };
  const [logDir, runDir] = [join(directory, "logs"), join(directory, "run")];
  const logs = await startServiceLogs({ logDir, runDir, ...limits, ...modes });
  const names = Array.from({ length: writers }, (_, n) => `s${n}`);
  const opened = await Promise.all(names.map((name) => logs.open(name, name)));
  const before = process.cpuUsage();
  return {
    pipes: opened.map(({ stdout }) => stdout),
    end: async () => {
      await Promise.all(names.map((name) => logs.finish(name, 60_000)));
      const { user, system } = process.cpuUsage(before);
      await logs.close();
      return (user + system) / 1e6;
    },
  };
};

/** A program that reads one pipe as its stdin: `command` gets the number of the writer. */
const program =
  (command: (n: number) => string): Subject =>
  async (directory, writers) => {
    const pipes = Array.from({ length: writers }, (_, n) => join(directory, `pipe${n}`));
    execFileSync("mkfifo", pipes);
    const takers = pipes.map((pipe, n) => `${command(n)} <${pipe} &`).join("\n");
    const script = `cd ${directory}\n${takers}\nwait\ntimes`;
    const shell = promisify(execFile)("bash", ["-c", script]);
    return { pipes, end: async () => childSeconds((await shell).stdout) };
  };

/** The second line of the shell's `times` is about its children: `0m1.23s 0m0.45s`. */
const childSeconds = (times: string): number =>
  [...(times.split("\n")[1] ?? "").matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );

const SUBJECTS: Record<string, Subject> = {
  "cat (floor)": program((n) => `cat >out${n}`),
  "sprite-env": ours,
  "s6-log T": program((n) => `s6-log n5 s10000000 T ./s6-${n}`),
};

/** Lets all writers write at once and measures until everything is in the files. */
async function measure(
  subject: Subject,
  load: Load,
): Promise<{ mbPerS: number; cpuPerGB: number }> {
  const directory = mkdtempSync(join(tmpdir(), "bench-logs-"));
  try {
    mkdirSync(join(directory, "run"));
    writeFileSync(join(directory, "source"), LINE.repeat(load.bytes / LINE.length));
    const taker = await subject(directory, load.writers);
    const from = `timeout 60 dd status=none if=source bs=${load.writeBytes}`;
    const writers = taker.pipes.map((pipe) => `(${from} 1<>${pipe} || touch failed) &`);
    const start = performance.now();
    await promisify(execFile)("bash", ["-c", `${writers.join("\n")}\nwait`], { cwd: directory });
    if (existsSync(join(directory, "failed"))) throw new Error(`nobody took all of ${load.name}`);
    const cpu = await taker.end();
    const bytes = load.bytes * load.writers;
    const seconds = (performance.now() - start) / 1000;
    return { mbPerS: bytes / MB / seconds, cpuPerGB: cpu / (bytes / 1e9) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const isInstalled = (command: string): boolean => {
  try {
    execFileSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

/** Measures every load with every subject that is installed. */
export async function run(): Promise<Result[]> {
  const subjects = Object.entries(SUBJECTS).filter(
    ([name]) => isInstalled(name.split(" ")[0] ?? "") || name === "sprite-env",
  );
  const results: Result[] = [];
  for (const load of LOADS) {
    let floor: number | undefined;
    for (const [name, subject] of subjects) {
      const { mbPerS, cpuPerGB } = await measure(subject, load);
      floor ??= mbPerS;
      results.push({
        name: `logs, ${load.name}: ${name}`,
        value: mbPerS,
        unit: "MB/s",
        ratio: mbPerS / floor,
        cpuPerGB,
      });
    }
  }
  return results;
}

if (import.meta.main) {
  for (const { name, value, unit, ratio, cpuPerGB } of await run()) {
    const figures = `${value.toFixed(1).padStart(8)} ${unit}  x${ratio.toFixed(2)}  ${cpuPerGB.toFixed(2)} CPU s/GB`;
    process.stdout.write(`${name.padEnd(40)}${figures}\n`);
  }
}
