import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startServiceLogs } from "../src/logs/service-logs.ts";
import { isInstalled } from "./machine.ts";
import { type Aim, compared, median, type Options, ratioAtLeast, type Result } from "./result.ts";

/*
 * How fast service output gets from a pipe into a file: lines of 100 bytes, written in bulk or line by line,
 * by 1 and by 50 programs. The floor is `cat` from the pipe to a file, which neither stamps nor rotates; the peer is s6-log, which does both.
 */

interface Load {
  name: string;
  writers: number;
  /** Bytes a write(2). */
  writeBytes: number;
  /** Bytes of each writer. */
  bytes: number;
  /** So often as much as the peer is aimed at. */
  leastByPeer?: number;
}

const LINE = `${"x".repeat(99)}\n`;
const MB = 1_000_000;
const LOADS: Load[] = [
  { name: "bulk, 1 writer", writers: 1, writeBytes: 100_000, bytes: 300 * MB, leastByPeer: 4 },
  { name: "bulk, 50 writers", writers: 50, writeBytes: 100_000, bytes: 6 * MB },
  { name: "lines, 1 writer", writers: 1, writeBytes: 100, bytes: 60 * MB, leastByPeer: 1.5 },
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

const FLOOR = "cat to a file";
const OURS = "sprite-env";
/** Stamps and rotates, as we do. Debian: apt-get install s6. */
const PEER = "s6-log T";
const SUBJECTS: Record<string, Subject> = {
  [FLOOR]: program((n) => `cat >out${n}`),
  [OURS]: ours,
  [PEER]: program((n) => `s6-log n5 s10000000 T ./s6-${n}`),
};

/** Lets all writers write at once and measures until everything is in the files. */
async function measure(subject: Subject, load: Load): Promise<Figures> {
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

/** What a way made of a load, in the middle of all rounds. */
interface Figures {
  mbPerS: number;
  cpuPerGB: number;
}

/** Measures every way in turn, A B A B. */
async function measureAll(load: Load, rounds: number): Promise<Map<string, Figures>> {
  const seen = new Map<string, Figures[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, subject] of Object.entries(SUBJECTS)) {
      if (name !== OURS && !isInstalled(name.split(" ")[0] ?? "")) continue;
      seen.set(name, [...(seen.get(name) ?? []), await measure(subject, load)]);
    }
  }
  const middle = (all: readonly Figures[]): Figures => ({
    mbPerS: median(all.map(({ mbPerS }) => mbPerS)),
    cpuPerGB: median(all.map(({ cpuPerGB }) => cpuPerGB)),
  });
  return new Map([...seen].map(([name, all]) => [name, middle(all)]));
}

/** Beside the floor, and beside the peer where that is installed. */
function resultsOf(load: Load, figures: ReadonlyMap<string, Figures>): Result[] {
  const own = figures.get(OURS);
  if (!own) return [];
  const name = `logs, ${load.name}`;
  const note = [...figures]
    .map(([way, { cpuPerGB }]) => `${way} ${cpuPerGB.toFixed(1)}`)
    .join(", ");
  const result = { name, value: own.mbPerS, unit: "MB/s", note: `processor s/GB: ${note}` };
  const beside = (other: string, aim: { aim?: Aim }): Result[] => {
    const value = figures.get(other)?.mbPerS;
    return value === undefined ? [] : [compared({ ...result, ...aim }, { name: other, value })];
  };
  const { leastByPeer } = load;
  return [
    ...beside(FLOOR, {}),
    ...beside(PEER, leastByPeer === undefined ? {} : { aim: ratioAtLeast(leastByPeer) }),
  ];
}

export async function run({ quick }: Options): Promise<Result[]> {
  const results: Result[] = [];
  for (const load of LOADS) {
    const some = quick ? { ...load, bytes: load.bytes / 10 } : load;
    results.push(...resultsOf(load, await measureAll(some, quick ? 1 : 5)));
  }
  return results;
}
