import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Births } from "./births.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { compiled, inDirectory, nowUs, start } from "./machine.ts";
import { compared, inTurn, type Options, ratioAtMost, type Result } from "./result.ts";

/*
 * How long a program is down when it is killed: from the SIGKILL to the first line of the next one's `main`. The program tells the kernel's
 * time itself, so nobody's event loop is in the figure but the supervisor's. The floor is a C program that waits and starts again (`again.c`).
 */

/** Something that starts a program again whenever that is killed. */
interface Supervisor {
  births: Births;
  /** Pids of its programs. */
  pids: number[];
  /** So often one of them is killed, then it is the next one's turn. */
  killsEach: number;
  kills: number;
}

/** A fifth failure within a minute is a crash loop, which the daemon slows down on purpose. */
const KILLS_EACH = 4;
const A_ROUND = 20;
const COLD_MS = 500;

async function killOnce(supervisor: Supervisor): Promise<number> {
  const { births, pids, killsEach } = supervisor;
  const place = Math.floor(supervisor.kills++ / killsEach);
  const pid = pids[place];
  if (pid === undefined) throw new Error("every service was killed as often as it may be");
  const killed = nowUs();
  process.kill(pid, "SIGKILL");
  const birth = await births.next();
  pids[place] = birth.pid;
  return birth.at - killed;
}

/** So many kills, each as soon as the program is up, or after a pause. */
const round = (supervisor: Supervisor, kills: number, pauseMs: number) => async () => {
  const samples: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    if (pauseMs > 0) await pause(pauseMs);
    samples.push(await killOnce(supervisor));
  }
  return samples;
};

/** @param file what the C program writes to and syncs after each end; `-` for nothing */
async function startFloor(directory: string, name: string, file: string): Promise<Floor> {
  const births = new Births(directory, name);
  const words = ["1", file, join(directory, "born"), births.fifo];
  const program = start(join(directory, "again"), words);
  const { pid } = await births.next();
  return { births, pids: [pid], killsEach: Infinity, kills: 0, program };
}

interface Floor extends Supervisor {
  program: ChildProcess;
}

async function endFloor({ program, pids, births }: Floor): Promise<void> {
  program.kill("SIGKILL");
  await once(program, "exit");
  for (const pid of pids) process.kill(pid, "SIGKILL");
  births.close();
}

/** Services of the daemon that start again without delay. */
async function startServices(
  daemon: Daemon,
  directory: string,
  count: number,
): Promise<Supervisor> {
  const births = new Births(directory, "services");
  const pids: number[] = [];
  for (let number = 0; number < count; number += 1) {
    const backoff = { first: "0s", jitter: 0 };
    await daemon.create(`s${number}`, {
      cmd: join(directory, "born"),
      args: [births.fifo],
      backoff,
    });
    pids.push((await births.next()).pid);
  }
  return { births, pids, killsEach: KILLS_EACH, kills: 0 };
}

export async function run({ quick }: Options): Promise<Result[]> {
  return inDirectory(async (directory) => {
    compiled("born", directory);
    compiled("again", directory);
    const [warmRounds, coldRounds, coldKills] = quick ? [2, 1, 4] : [10, 5, 8];
    const kills = A_ROUND * (warmRounds + 1) + coldRounds * coldKills;
    const daemon = await startDaemon(directory);
    const ours = await startServices(daemon, directory, Math.ceil(kills / KILLS_EACH));
    const floor = await startFloor(directory, "floor", "-");
    const synced = await startFloor(directory, "synced", join(directory, "record"));
    const ways = (count: number, pauseMs: number) => ({
      floor: round(floor, count, pauseMs),
      synced: round(synced, count, pauseMs),
      ours: round(ours, count, pauseMs),
    });
    try {
      await inTurn(1, ways(A_ROUND, 0)); // until the daemon's code is compiled
      const warm = await inTurn(warmRounds, ways(A_ROUND, 0));
      const cold = await inTurn(coldRounds, ways(coldKills, COLD_MS));
      return [...results("back to back", warm), ...results("0.5 s apart", cold)];
    } finally {
      await endFloor(floor);
      await endFloor(synced);
      await daemon.end();
      ours.births.close();
    }
  });
}

function results(
  how: string,
  { floor, synced, ours }: { floor: number; synced: number; ours: number },
): Result[] {
  const least = { name: "C: waitpid, vfork, exec", value: floor };
  const name = `kill to next main(), ${how}`;
  return [
    compared({ name: `${name}: C with one fdatasync`, value: synced, unit: "µs" }, least),
    compared(
      { name: `${name}: sprite-env`, value: ours, unit: "µs", aim: ratioAtMost(2.7) },
      least,
    ),
  ];
}
