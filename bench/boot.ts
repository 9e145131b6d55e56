import { once } from "node:events";
import { join } from "node:path";
import { type Birth, Births } from "./births.ts";
import { type Daemon, forEachOf, ready, spawnDaemon, startDaemon } from "./daemon.ts";
import { compiled, inDirectory, nowUs, start } from "./machine.ts";
import { compared, inTurn, type Options, type Result, valueAtMost } from "./result.ts";

/*
 * How long a boot takes: from the start of the daemon to the `main` of the last of 100 services. From cold, all of them and the daemon were killed at once,
 * as when the machine vanishes; else the daemon alone, and the next one ends what it left before it starts anything. The floor is a C program that
 * starts as many.
 */

const SERVICES = 100;

const killAll = (births: readonly Birth[]): void => {
  for (const { pid } of births) process.kill(pid, "SIGKILL");
};

const lastAt = (births: readonly Birth[]): number => Math.max(...births.map(({ at }) => at));

/** Milliseconds in which the C program starts as many. */
const floor = (directory: string, births: Births) => async () => {
  const began = nowUs();
  const words = [String(SERVICES), "-", join(directory, "born"), births.fifo];
  const program = start(join(directory, "again"), words);
  const born = await births.take(SERVICES);
  program.kill("SIGKILL");
  await once(program, "exit");
  killAll(born);
  return (lastAt(born) - began) / 1_000;
};

/** A daemon, what it runs, and what became of both. */
class Machine {
  readonly #directory: string;
  readonly #births: Births;
  #daemon: Daemon;
  #born: Birth[] = [];

  constructor(directory: string, births: Births, daemon: Daemon) {
    this.#directory = directory;
    this.#births = births;
    this.#daemon = daemon;
  }

  async create(): Promise<void> {
    const definition = { cmd: join(this.#directory, "born"), args: [this.#births.fifo] };
    await forEachOf(SERVICES, (name) => this.#daemon.create(name, definition));
    this.#born = await this.#births.take(SERVICES);
  }

  /** Kills the daemon, and what it ran where it is to be cold; milliseconds until all of it runs again. */
  async boot({ cold }: { cold: boolean }): Promise<number> {
    await this.#daemon.kill();
    if (cold) killAll(this.#born);
    const began = nowUs();
    const next = spawnDaemon(this.#directory);
    this.#born = await this.#births.take(SERVICES);
    this.#daemon = await ready(next, this.#directory);
    return (lastAt(this.#born) - began) / 1_000;
  }

  async end(): Promise<void> {
    await this.#daemon.end();
  }
}

export async function run({ quick }: Options): Promise<Result[]> {
  return inDirectory(async (directory) => {
    compiled("born", directory);
    compiled("again", directory);
    const births = new Births(directory, "services");
    const floorBirths = new Births(directory, "floor");
    const machine = new Machine(directory, births, await startDaemon(directory));
    try {
      await machine.create();
      const { least, cold, killed } = await inTurn(quick ? 2 : 9, {
        least: floor(directory, floorBirths),
        cold: () => machine.boot({ cold: true }),
        killed: () => machine.boot({ cold: false }),
      });
      const unit = "ms";
      const name = `boot of ${SERVICES} services`;
      const by = { name: "C: vfork, exec", value: least };
      return [
        compared({ name: `${name}, from cold`, value: cold, unit, aim: valueAtMost(200) }, by),
        compared({ name: `${name}, of a killed daemon`, value: killed, unit }, by),
      ];
    } finally {
      await machine.end();
      births.close();
      floorBirths.close();
    }
  });
}
