import type { Found } from "../../machines/service-events.ts";
import type { EventRow } from "../../src/journal/record.ts";
import { manualClock } from "../../src/base/clock.ts";
import { AppError } from "../../src/base/errors.ts";
import { memoryJournal } from "./memory-journal.ts";
import { boot } from "../../src/runtime/boot.ts";
import { Dispatcher } from "../../src/runtime/dispatch.ts";
import { boundMachines } from "../../src/runtime/effects.ts";
import type { ProcessRunner, SpawnRequest } from "../../src/runtime/ports.ts";
import { endedStreams, statesAt } from "../../src/runtime/past.ts";
import { Registry } from "../../src/runtime/registry.ts";
import { Fold, stateOf } from "../../src/runtime/replay.ts";

/** How a program of the simulated world behaves. */
export interface Program {
  /** Spawning it fails with this errno. */
  spawnFails?: string;
  /** Ignores everything but KILL. */
  stubborn?: boolean;
  /** Survives KILL. */
  immortal?: boolean;
}

interface Process {
  request: SpawnRequest;
  pid: number;
  alive: boolean;
}

const byStream = (a: readonly unknown[], b: readonly unknown[]): number =>
  String(a[0]) < String(b[0]) ? -1 : 1;

/** A runtime over a simulated world: its own clock, processes without a kernel, and a log in memory that outlives a daemon. */
export class World {
  readonly clock = manualClock(1_000_000);
  /** A snapshot every few rows, so that most boots go on from one. */
  readonly log = memoryJournal(3);
  readonly processes = new Map<string, Process>();
  readonly programs: Record<string, Program> = {};
  readonly spawned: string[] = [];
  readonly timers = new Map<string, { dueAt: number; armed: string }>();
  readonly skipped: string[] = [];
  readonly errors: string[] = [];
  machineBoot = "kernel-1";
  /** Whether the output of a process ends with it. */
  lastWords = true;
  /** What a boot says it found of an incarnation; by default what is alive is proven. */
  found: (incarnation: string) => Found = (id) => {
    const process = this.processes.get(id);
    return process?.alive ? { kind: "proven", pids: [process.pid] } : { kind: "none" };
  };
  registry!: Registry;
  dispatcher!: Dispatcher;
  runner!: ProcessRunner;
  #ids = 0;
  #pids = 100;
  #boots = 0;
  #generation = 0;
  #reporting = 0;
  #later: { due: number; callback: () => void }[] = [];

  /** Calls back when so much time has passed. */
  readonly later = (ms: number, callback: () => void): void => {
    if (ms <= 1) setImmediate(callback);
    else this.#later.push({ due: this.clock.now() + ms, callback });
  };

  /** The whole log. */
  get rows(): EventRow[] {
    return [...this.log.reader.all()];
  }

  /** A daemon begins on the log as it is. */
  async boot(): Promise<void> {
    this.#generation += 1;
    this.timers.clear();
    const generation = this.#generation;
    const alive = (run: () => void) => {
      if (generation === this.#generation) run();
    };
    this.runner = this.#runner(alive);
    this.registry = new Registry({
      machines: boundMachines({
        processes: this.runner,
        timers: {
          arm: ({ stream, timer, dueAt, armed }) =>
            void this.timers.set(`${stream} ${timer}`, { dueAt, armed }),
        },
        probes: { startHealth: () => {}, startReadiness: () => {}, stop: () => {} },
      }),
      ended: endedStreams(this.log.reader),
      onEffectFailed: (stream, effect, error) =>
        this.errors.push(`${stream} ${effect} ${String(error)}`),
    });
    const fold = statesAt(this.log.reader, this.log.reader.head().seq, {
      bound: this.registry.machines,
      onUnfit: ({ stream }, reason) => this.errors.push(`snapshot of ${stream}: ${reason}`),
    });
    this.registry.restore(fold);
    this.#boots += 1;
    this.dispatcher = new Dispatcher(this.registry, {
      clock: this.clock,
      ids: {
        event: () => `ev_${(this.#ids += 1)}`,
        incarnation: () => `in_${(this.#ids += 1)}`,
        boot: () => `bt_${this.#boots}`,
        secret: () => `sv_${(this.#ids += 1)}`,
      },
      random: () => 0.5,
      bootId: `bt_${this.#boots}`,
      head: this.rows.at(-1) ?? { seq: 0, hash: "" },
      journal: this.log.journal,
      later: this.later,
      onSkipped: (fact, reason) =>
        this.skipped.push(`${fact.stream} ${fact.event.type}: ${reason}`),
      onError: (message, error) => this.errors.push(`${message}: ${String(error)}`),
    });
    await boot(fold, this.registry, this.dispatcher, this.runner, {
      machineBoot: this.machineBoot,
      pid: 1,
      release: "0.0.0",
      logDir: "/logs",
    });
    await this.wish("environment/sprite", { type: "environment.ready_reached" });
    await this.settle();
  }

  /** A person's wish, or any other fact. */
  async wish(
    stream: string,
    ...events: { type: string; [data: string]: unknown }[]
  ): Promise<EventRow[]> {
    const rows = await this.dispatcher.command({
      actor: "uid:0",
      decide: () => events.map((event) => ({ stream, event })),
    });
    await this.settle();
    return rows;
  }

  create(name: string, definition: object = {}): Promise<EventRow[]> {
    return this.wish(`service/${name}`, {
      type: "service.created",
      definition: { cmd: name, ...definition },
      version: this.dispatcher.view.nextVersion(name),
    });
  }

  /** Until no process has anything to report and nothing waits to be stored. */
  async settle(): Promise<void> {
    do {
      await new Promise((resolve) => void setImmediate(resolve));
      await this.dispatcher.idle();
    } while (this.#reporting > 0);
  }

  /** The main process of a service ends by itself. */
  async exits(
    name: string,
    status: { code?: number; signal?: string } = { code: 0 },
  ): Promise<void> {
    const process = [...this.processes.values()].find(
      (one) => one.alive && one.request.stream === `service/${name}`,
    );
    if (!process) throw new AppError("process_gone", `${name} has no process`);
    this.#ends(process, status);
    await this.settle();
  }

  /** Time passes; what falls due in it fires, in order. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    for (;;) {
      const next = [...this.timers]
        .filter(([, { dueAt }]) => dueAt <= until)
        .toSorted((a, b) => a[1].dueAt - b[1].dueAt)[0];
      const later = this.#later
        .filter(({ due }) => due <= until)
        .toSorted((a, b) => a.due - b.due)[0];
      const due = Math.min(next?.[1].dueAt ?? Infinity, later?.due ?? Infinity);
      if (due === Infinity) break;
      this.clock.advance(Math.max(0, due - this.clock.now()));
      if (later && later.due === due) {
        this.#later = this.#later.filter((one) => one !== later);
        later.callback();
      } else if (next) {
        const [key, { armed }] = next;
        this.timers.delete(key);
        const [stream = "", timer = ""] = key.split(" ");
        this.dispatcher.report(stream, [{ type: "timer.fired", timer, armed }]);
      }
      await this.settle();
    }
    this.clock.advance(until - this.clock.now());
  }

  phase(name: string): string | undefined {
    return this.dispatcher.view.service(name)?.phase;
  }

  /** Live main processes of a service. */
  alive(name: string): number {
    return [...this.processes.values()].filter(
      (one) => one.alive && one.request.stream === `service/${name}`,
    ).length;
  }

  /** The types of a stream's rows, in order. */
  history(stream: string): string[] {
    return this.rows
      .filter((row) => row.stream === stream)
      .map((row) => `${row.type} ${row.toState}`);
  }

  /** Throws unless a fold of the log gives the live state, with the same bytes each time. */
  assertFoldIsLive(): void {
    const folded = () => {
      const fold = new Fold();
      for (const row of this.rows) fold.add(row);
      if (fold.mismatches.size > 0) throw new Error(JSON.stringify([...fold.mismatches.values()]));
      return JSON.stringify(
        [...fold.streams.values()]
          .filter(({ snapshot }) => snapshot.status === "active")
          .map(({ stream, snapshot }) => [stream, stateOf(snapshot), snapshot.context])
          .toSorted(byStream),
      );
    };
    const live = JSON.stringify(
      this.registry
        .streams()
        .map((stream) => this.registry.get(stream))
        .map((one) => [
          one?.stream,
          String(one?.actor.getSnapshot().value),
          one?.actor.getSnapshot().context,
        ])
        .toSorted(byStream),
    );
    if (folded() !== live || folded() !== live) throw new Error(`fold ${folded()}\n live ${live}`);
  }

  #runner(alive: (run: () => void) => void): ProcessRunner {
    const later = (run: () => void) => {
      this.#reporting += 1;
      setImmediate(() => {
        this.#reporting -= 1;
        alive(run);
      });
    };
    const program = (request: { stream: string }) =>
      this.programs[request.stream.slice("service/".length)] ?? {};
    const emptied = (stream: string, incarnation: string) =>
      this.dispatcher.report(stream, [{ type: "incarnation.emptied", incarnation }]);
    return {
      spawn: (request) => {
        this.spawned.push(request.stream.slice("service/".length));
        const errno = program(request).spawnFails;
        const { stream, incarnation } = request;
        if (errno !== undefined) {
          const error = { errno, message: `cannot: ${errno}` };
          later(() =>
            this.dispatcher.report(stream, [{ type: "process.spawn_failed", incarnation, error }]),
          );
          return;
        }
        const pid = (this.#pids += 1);
        this.processes.set(incarnation, { request, pid, alive: true });
        const spawned = {
          type: "process.spawned",
          incarnation,
          pid,
          startTime: `${pid}`,
          wall: this.clock.wall(),
        };
        later(() => this.dispatcher.report(stream, [spawned]));
      },
      stop: ({ stream, incarnation, signal, timeoutMs }) =>
        later(() => {
          const process = this.processes.get(incarnation);
          if (!process?.alive) return emptied(stream, incarnation);
          const { stubborn, immortal } = program({ stream });
          if (stubborn) {
            this.later(Math.max(2, timeoutMs), () =>
              alive(() => {
                if (!process.alive) return;
                this.dispatcher.report(stream, [{ type: "process.kill_sent", incarnation }]);
                this.#ends(process, { signal: "KILL" });
              }),
            );
          } else if (immortal) {
            this.dispatcher.report(stream, [
              { type: "process.unkillable", incarnation, pid: process.pid },
            ]);
          } else this.#ends(process, { signal });
        }),
      empty: ({ stream, incarnation }) => later(() => emptied(stream, incarnation)),
      signal: () => {},
      watch: () => {},
      look: async (open) =>
        new Map(open.map(({ incarnation }) => [incarnation, this.found(incarnation)])),
    };
  }

  #ends(process: Process, status: { code?: number; signal?: string }): void {
    if (!process.alive) return;
    process.alive = false;
    const { stream, incarnation } = process.request;
    this.dispatcher.report(stream, [
      { type: "process.exited", incarnation, status },
      { type: "incarnation.emptied", incarnation },
    ]);
    if (!this.lastWords) return;
    this.dispatcher.report(stream, [{ type: "output.ended", incarnation, logTo: 0, lines: 0 }]);
  }
}
