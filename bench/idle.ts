import { setTimeout as pause } from "node:timers/promises";
import { type Daemon, forEachOf, startDaemon } from "./daemon.ts";
import { inDirectory, processorSeconds, residentMB, start } from "./machine.ts";
import { compared, type Options, type Result, valueAtMost } from "./result.ts";

/*
 * What a daemon takes while nothing happens: memory and processor time with 0, 10 and 100 services, booted from a log that has them.
 * The floor is a Node that waits for ever.
 */

const COUNTS = [0, 10, 100] as const;

interface Idle {
  residentMB: number;
  /** Of one processor. */
  percent: number;
}

async function watch(pid: number, settleMs: number, watchMs: number): Promise<Idle> {
  await pause(settleMs);
  const before = processorSeconds(pid);
  await pause(watchMs);
  const seconds = processorSeconds(pid) - before;
  return { residentMB: residentMB(pid), percent: (seconds * 100_000) / watchMs };
}

/** A daemon that found so many services in its log. */
async function booted(directory: string, count: number): Promise<Daemon> {
  const first = await startDaemon(directory);
  await forEachOf(count, (name) => first.create(name, { cmd: "sleep", args: ["1d"] }));
  await first.end();
  return startDaemon(directory);
}

async function idleNode(settleMs: number): Promise<number> {
  const node = start(process.execPath, ["-e", "setInterval(() => {}, 1e9)"], "ignore");
  const { residentMB: value } = await watch(node.pid ?? 0, settleMs, 0);
  node.kill("SIGKILL");
  return value;
}

export async function run({ quick }: Options): Promise<Result[]> {
  const [settleMs, watchMs] = quick ? [1_000, 2_000] : [5_000, 30_000];
  const floor = { name: "node that waits", value: await idleNode(settleMs) };
  const results: Result[] = [];
  for (const count of COUNTS) {
    const { residentMB: value, percent } = await inDirectory(async (directory) => {
      const daemon = await booted(directory, count);
      const idle = await watch(daemon.pid, settleMs, watchMs);
      await daemon.end();
      return idle;
    });
    const aim = count === 100 ? { aim: valueAtMost(95) } : {};
    const name = `idle, ${count} services`;
    results.push(compared({ name: `${name}: memory`, value, unit: "MB", ...aim }, floor), {
      name: `${name}: processor`,
      value: percent,
      unit: "%",
      aim: valueAtMost(0.1),
    });
  }
  return results;
}
