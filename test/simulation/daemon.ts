import { type Clock, systemClock } from "../../src/base/clock.ts";
import { AppError } from "../../src/base/errors.ts";
import type { Ids } from "../../src/base/ids.ts";
import { envValues } from "../../src/commands/env-values.ts";
import { keys } from "../../src/commands/keys.ts";
import type { ServiceCommands } from "../../src/commands/ports.ts";
import { type ServiceReads, serviceReads } from "../../src/commands/read-services.ts";
import { retireService } from "../../src/commands/retire.ts";
import { serviceCommands } from "../../src/commands/services.ts";
import { createTimers } from "../../src/effects/timers.ts";
import { openForReading } from "../../src/journal/database.ts";
import type { EventReader } from "../../src/journal/event-reader.ts";
import { eventReader } from "../../src/journal/read.ts";
import type { Sealer } from "../../src/journal/seal.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import { boot } from "../../src/runtime/boot.ts";
import { Dispatcher } from "../../src/runtime/dispatch.ts";
import { boundMachines } from "../../src/runtime/effects.ts";
import { ENVIRONMENT, type Fact } from "../../src/runtime/group.ts";
import { endedStreams, statesAt } from "../../src/runtime/past.ts";
import { Registry } from "../../src/runtime/registry.ts";
import type { Fold } from "../../src/runtime/replay.ts";
import { shutdown, type Shutdown } from "../../src/runtime/shutdown.ts";
import { Broken } from "./broken.ts";
import type { Fate } from "./disk.ts";
import { SimulatedProbes } from "./probes.ts";
import { SimulatedRunner } from "./runner.ts";
import type { Cancel, Plans } from "./scheduler.ts";
import { SimulatedStore } from "./store.ts";
import type { World } from "./world.ts";

/** Retention never goes by size here. */
const KEPT_BYTES = 1_000_000_000;
const RETAIN_PAUSE_MS = 100;

/** Values are turned around instead of encrypted: the same ones give the same bytes. */
const turned: Sealer = {
  seal: (_, value) => Buffer.from(value.split("").toReversed().join("")),
  open: (_, sealed) => Buffer.from(sealed).toString().split("").toReversed().join(""),
};

/** One life of a daemon in the simulated world: put together as `src/main.ts` does it, over simulated ports. */
export class Daemon {
  readonly plans: Plans;
  readonly store: SimulatedStore;
  readonly db: Db;
  readonly reader: EventReader;
  readonly registry: Registry;
  readonly dispatcher: Dispatcher;
  readonly commands: ServiceCommands;
  readonly read: ServiceReads;
  /** Resolves when it takes commands; never, where it dies before. */
  readonly booted: Promise<void>;
  hasBooted = false;
  ending: Shutdown | undefined;
  readonly #world: World;
  readonly #runner: SimulatedRunner;
  readonly #clock: Clock;
  readonly #fold: Fold;
  readonly #fired: { stream: string; fact: Fact["event"] }[] = [];

  /** @throws AppError where its log cannot be opened */
  constructor(world: World) {
    this.#world = world;
    this.plans = world.scheduler.plans();
    const { kernel, programs, chance, disk, scheduler, ledger } = world;
    const { plans } = this;
    this.store = new SimulatedStore({
      disk,
      chance,
      scheduler,
      plans,
      count: (what) => world.count(what),
      cut: (seq) => {
        ledger.cut = seq;
        world.count("log cut");
      },
      written: () => world.noteRows(),
      delivered: (end) => ledger.promise(end),
    });
    this.db = openForReading(disk.directory);
    const reader = eventReader(this.db);
    this.reader = reader;
    ledger.reopened(reader);
    const head = reader.head();
    const clock = systemClock(
      () => world.uptime,
      head.at,
      () => world.wall,
    );
    this.#clock = clock;
    const report = (stream: string, facts: readonly Fact["event"][]): void =>
      this.dispatcher.report(stream, facts);
    const after = (ms: number, run: () => void): Cancel => plans.after(ms, run);
    const asked = (effect: string, stream: string, incarnation: string) =>
      world.mustBeRecorded(effect, stream, incarnation);
    const ports = { kernel, programs, chance, plans, report, asked };
    this.#runner = new SimulatedRunner({
      ...ports,
      wall: () => world.wall,
      now: () => scheduler.now,
    });
    const timers = createTimers({
      clock,
      fire: (stream, fired) => {
        const fact = { type: "timer.fired", ...fired };
        this.#fired.push({ stream, fact });
        report(stream, [fact]);
      },
      setTimer: (callback, ms) => after(ms, callback),
      clearTimer: (cancel) => (cancel as Cancel)(),
    });
    const machines = { processes: this.#runner, timers, probes: new SimulatedProbes(ports) };
    this.registry = new Registry({
      machines: boundMachines(machines),
      ended: endedStreams(reader),
      onEffectFailed: (stream, effect, error) => world.broke(failedEffect(stream, effect, error)),
    });
    this.#fold = statesAt(reader, head.seq, {
      bound: this.registry.machines,
      onUnfit: ({ stream, version }, reason) =>
        world.broke(new Broken("snapshots", `${stream} at ${version} is passed over: ${reason}`)),
    });
    this.registry.restore(this.#fold);
    const ids = world.ids;
    this.dispatcher = new Dispatcher(this.registry, {
      clock,
      ids,
      random: () => world.jitter(),
      bootId: ids.boot(),
      head,
      journal: this.store,
      later: after,
      onSkipped: ({ event }) => world.count(`not taken: ${event.type}`),
      onError: (message, error) => world.daemonSays(`${message}: ${String(error)}`),
    });
    const lastSeq = (): number => this.dispatcher.lastSeq;
    const read = serviceReads(this.db, this.registry, this.#fold, lastSeq);
    const wrong = read.wrong();
    if (wrong.length > 0)
      world.broke(new Broken("I3", `the read model is wrong of ${wrong.join()}`));
    const { byName } = read;
    this.read = read;
    const { dispatcher, registry, store } = this;
    const retiring = { dispatcher, registry, processes: this.#runner, after, rows: reader, byName };
    this.commands = serviceCommands({
      dispatcher,
      clock,
      values: envValues({ reader, sealer: turned, ids: ids as Pick<Ids, "secret">, clock }),
      keys: keys({ reader, journal: store, clock, lastSeq }),
      read,
      versions: reader,
      admits: async () => {},
      wall: () => world.wall,
      after,
      logs: { follow: () => () => {}, fileOf: (name) => `/logs/${name}.log` },
      logLines: noLines,
      retire: (name, actor) => retireService(retiring, name, actor),
    });
    this.booted = this.#boots();
  }

  async #boots(): Promise<void> {
    await this.#untilNobodyIsHalfBorn();
    const { dispatcher, registry } = this;
    const { machineBoot } = this.#world.kernel;
    const facts = { machineBoot, pid: 1, release: "0.0.0", logDir: "/logs" };
    await boot(this.#fold, registry, dispatcher, this.#runner, facts);
    const event = { type: "environment.ready_reached" };
    await dispatcher.command({ actor: "runtime", decide: () => [{ stream: ENVIRONMENT, event }] });
    this.hasBooted = true;
  }

  /** A child between fork and exec holds the state lock: it is waited for, a second at most, then killed. */
  async #untilNobodyIsHalfBorn(): Promise<void> {
    const { kernel } = this.#world;
    for (let tries = 0; kernel.processes.some(({ state }) => state === "exec"); tries += 1) {
      if (tries >= 10) {
        for (const one of kernel.processes) if (one.state === "exec") kernel.signal(one, "KILL");
      }
      await new Promise<void>((resolve) => void this.plans.after(100, resolve));
    }
  }

  /** Whether what it has told the actors is all that is on its way. */
  get isAtRest(): boolean {
    return this.store.isIdle;
  }

  /** What was told once comes late, and once more: a report of an earlier life, or a timer. */
  echo({ service, what, back }: { service: string; what: "report" | "timer"; back: number }): void {
    if (what === "report") return this.#runner.echo(service, back);
    const stream = `service/${service}`;
    const fired = this.#fired.filter((one) => one.stream === stream).at(-1 - back);
    if (fired) this.dispatcher.report(stream, [fired.fact]);
  }

  /** Retention, step by step, as `src/journal/retention-runs.ts` has it done once an hour. */
  retain(ageMs: number): void {
    if (this.hasBooted && !this.ending) void this.#retains(ageMs);
  }

  async #retains(ageMs: number): Promise<void> {
    const { now, wall } = this.#clock;
    try {
      for (let more = true; more && !this.ending;) {
        const step = await this.store.retain({
          ageMs,
          bytes: KEPT_BYTES,
          now: now(),
          wall: wall(),
        });
        more = step.more;
        await new Promise<void>((resolve) => void this.plans.after(RETAIN_PAUSE_MS, resolve));
      }
    } catch (error) {
      if (!isDisk(error)) this.#world.broke(new Broken("retention", String(error)));
    }
  }

  /** The clock on the wall jumped, and it noticed. */
  noticesStep(byMs: number): void {
    this.dispatcher.report(ENVIRONMENT, [{ type: "clock.stepped", byMs }]);
  }

  /** An orderly end. @param done told when nothing is on its way any more */
  shutDown(deadlineMs: number, done: () => void): void {
    const later = (ms: number, run: () => void) => void this.plans.after(ms, run);
    this.ending = shutdown(this.dispatcher, this.#runner, { reason: "TERM", deadlineMs, later });
    void this.#ends(this.ending, done);
  }

  async #ends(ending: Shutdown, done: () => void): Promise<void> {
    await ending.finished;
    await this.dispatcher.idle();
    await this.store.close();
    done();
  }

  /** It is gone, with all that it knew and planned. @returns the files before a commit that was cut off in its middle */
  die(fate: Fate): string | undefined {
    const before = this.store.die(fate);
    this.plans.end();
    this.#world.kernel.orphan();
    return before;
  }

  /** Lets its files go, once nothing depends on them. */
  close(): void {
    this.db.close();
    void this.store.writer.close();
  }
}

const failedEffect = (stream: string, effect: string, error: unknown): Broken =>
  error instanceof Broken
    ? error
    : new Broken("runner", `${effect} of ${stream}: ${String(error)}`);

/** What keeps a daemon from beginning, and will pass. */
export const isDisk = (error: unknown): boolean =>
  error instanceof AppError &&
  ["storage_full", "storage_failed", "storage_foreign"].includes(error.code);

async function* noLines(): AsyncGenerator<never> {}
