import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { hash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventRow } from "../../src/journal/record.ts";
import { Broken, keeps } from "./broken.ts";
import { CALM_MS, calmDown, mustHaveSettled } from "./calm.ts";
import type { Decision } from "./decisions.ts";
import { decider } from "./generate.ts";
import { chanceOf } from "./chance.ts";
import { intrude } from "./intruder.ts";
import { World } from "./world.ts";

/** What came of a run. */
export interface Outcome {
  seed: number;
  /** What was decided, the steps of a given history included. */
  decisions: readonly Decision[];
  /** How often something happened. */
  steps: number;
  /** How often a daemon began. */
  boots: number;
  rows: readonly EventRow[];
  /** Of all rows: two runs with one hash have the same log, byte for byte. */
  hash: string;
  /** How often what happened. */
  counts: ReadonlyMap<string, number>;
  broken?: Broken;
}

export interface RunOptions {
  seed: number;
  /** How many steps are made up; by default those of the history. */
  steps?: number;
  /** What was decided in an earlier run. */
  history?: readonly Decision[];
  /** Told before each step. */
  onStep?: (decision: Decision, world: World) => void;
}

/** A turn of Node's loop: everything that promises have to say is said by then, and nothing else can come. */
const drained = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Files in memory, where there are such: what a sync is worth is simulated, and none has to be waited for. */
function roomFor(): string {
  const memory = "/dev/shm";
  try {
    accessSync(memory, constants.W_OK);
    return memory;
  } catch {
    return tmpdir();
  }
}

/** One life of a simulated world, from its seed. */
export async function simulate(options: RunOptions): Promise<Outcome> {
  const directory = mkdtempSync(join(roomFor(), "sprite-env-sim-"));
  try {
    return await new Run(options, directory).whole();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

class Run {
  readonly #options: RunOptions;
  readonly #world: World;
  readonly #decisions: Decision[] = [];
  #steps = 0;

  constructor(options: RunOptions, directory: string) {
    this.#options = options;
    this.#world = new World(options.seed, directory);
  }

  async whole(): Promise<Outcome> {
    const { seed, onStep } = this.#options;
    let broken: Broken | undefined;
    try {
      await this.#settled();
      for (const decision of this.#decided()) {
        this.#decisions.push(decision);
        onStep?.(decision, this.#world);
        await this.#carryOut(decision);
      }
      await this.#calm();
    } catch (error) {
      broken = error instanceof Broken ? error : asBroken(error);
    }
    this.#world.kernel.orphan();
    this.#world.daemon?.plans.end();
    this.#world.daemon?.close();
    const { rows } = this.#world.ledger;
    const log = hash("sha256", rows.map((row) => JSON.stringify(row)).join("\n"), "hex");
    const { boots, counts } = this.#world;
    const went = { seed, decisions: this.#decisions, steps: this.#steps, boots, counts };
    const told = { ...went, rows, hash: log };
    return { ...told, ...(broken && { broken }) };
  }

  *#decided(): Generator<Decision> {
    const { history, seed, steps = history?.length ?? 0 } = this.#options;
    if (history) {
      yield* history;
      return;
    }
    const decide = decider(chanceOf(seed).stream);
    const { scheduler, ledger } = this.#world;
    const exists = (service: string): boolean => ledger.services.has(service);
    for (let step = 0; step < steps; step += 1) {
      const last = this.#world.people.asked.at(-1)?.request.service;
      const isQuiet = scheduler.nextDue === undefined;
      yield decide({ isQuiet, exists, ...(last !== undefined && { last }) });
    }
  }

  /** What follows at once is done, and everything holds. */
  async #settled(): Promise<void> {
    this.#steps += 1;
    await drained();
    this.#world.check();
  }

  async #carryOut(decision: Decision): Promise<void> {
    if (decision.do === "calm") return this.#calm();
    perform(this.#world, decision);
    await this.#settled();
  }

  async #calm(): Promise<void> {
    const world = this.#world;
    world.count("calm");
    const { scheduler, kernel } = world;
    calmDown(world);
    await this.#settled();
    const until = scheduler.now + CALM_MS;
    for (let events = 0; (scheduler.nextDue ?? Infinity) <= until; events += 1) {
      keeps(events < 50_000, "liveness", () => "the world does not come to rest");
      scheduler.next();
      await this.#settled();
    }
    scheduler.wait(until - scheduler.now);
    mustHaveSettled(world);
    kernel.isKind = false;
  }
}

function perform(world: World, decision: Exclude<Decision, { do: "calm" }>): void {
  const { scheduler, kernel, programs, disk, people } = world;
  switch (decision.do) {
    case "go":
      return void scheduler.next();
    case "wait":
      return scheduler.wait(decision.ms);
    case "ask":
      return people.ask(decision);
    case "again":
      return people.again(decision.back);
    case "program":
      return programs.change(decision.service, decision.how);
    case "end":
      return kernel.ends(decision.service, decision.status);
    case "fork":
      return kernel.forks(decision.service, decision.role);
    case "fall ill":
      return kernel.fallsIll(decision.service, decision.ill);
    case "stranger":
      return decision.leaves ? kernel.strangersLeave() : kernel.stranger();
    case "slow":
      return void (disk.slowMs = decision.slowMs);
    case "full":
      return disk.fills(decision.forMs);
    case "sync fails":
      return disk.failNext(decision);
    case "wall":
      return world.stepWall(decision.byMs);
    case "sleep":
      return scheduler.sleep(decision.ms);
    case "echo":
      return world.daemon?.echo(decision);
    case "die":
      world.count(decision.isPowerCut ? "power cut" : "daemon killed");
      world.end(decision);
      if (decision.lost) kernel.isLost(decision.lost);
      return;
    case "shut down":
      world.count("shutdown");
      return world.shutDown(decision);
    case "retain":
      return world.daemon?.retain(decision.ageMs);
    case "intrude":
      return intrude(world, decision);
  }
}

const asBroken = (error: unknown): Broken =>
  new Broken("simulator", error instanceof Error ? (error.stack ?? error.message) : String(error));
