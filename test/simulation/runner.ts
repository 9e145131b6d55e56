import type { ExitStatus, Found } from "../../machines/service-events.ts";
import { idOf } from "../../src/journal/record.ts";
import type {
  OpenIncarnation,
  ProcessRunner,
  Report,
  RunnerReport,
  SpawnRequest,
} from "../../src/runtime/ports.ts";
import type { Chance } from "./chance.ts";
import type { Kernel, Process } from "./kernel.ts";
import { GOOD, type Programs } from "./programs.ts";
import { exitOf, type Life, Lives } from "./lives.ts";
import type { Plans } from "./scheduler.ts";

export interface RunnerPorts {
  kernel: Kernel;
  programs: Programs;
  chance: Chance;
  /** Ends with the daemon. */
  plans: Plans;
  now: () => number;
  report: Report;
  wall: () => number;
  /** Told before anything is done: what is asked for must be on disk. */
  asked: (effect: string, stream: string, incarnation: string) => void;
}

const UNKILLABLE_MS = 5_000;
const WATCH_MS = 5_000;
const LOOK_MS = 50;

/**
 * The processes of services in the simulated world, as `src/runtime/ports.ts` promises them: written anew from its words, over a kernel that is not there.
 * What it knows dies with its daemon.
 */
export class SimulatedRunner implements ProcessRunner {
  readonly #ports: RunnerPorts;
  readonly #lives: Lives;

  constructor(ports: RunnerPorts) {
    this.#ports = ports;
    this.#lives = new Lives(ports.report);
  }

  spawn(request: SpawnRequest): void {
    const { stream, incarnation } = request;
    this.#ports.asked("spawnProcess", stream, incarnation);
    if (this.#lives.isKnown(incarnation)) return;
    const life = this.#lives.begin(stream, incarnation, "asked");
    const { programs, chance } = this.#ports;
    const name = programs.nextStart(idOf(stream));
    const { checkMs, refused } = programs.of(idOf(stream));
    this.#after(checkMs + chance.whole(`check ${name}`, 0, 2), () => {
      if (life.stage !== "asked") return;
      if (refused) this.#notSpawned(life, refused.errno, refused.permanent ?? false);
      else this.#forks(life, request, name);
    });
  }

  stop(request: Parameters<ProcessRunner["stop"]>[0]): void {
    const { stream, incarnation, signal, timeoutMs } = request;
    this.#ports.asked("stopIncarnation", stream, incarnation);
    const life = this.#lives.open(stream, incarnation);
    if (!life || life.unprovenPid !== undefined) return;
    const due = this.#now + timeoutMs;
    if (life.stop && life.stop.due <= due) return;
    const isFirst = !life.stop;
    const command = request.definition?.stopCommand !== undefined;
    life.stop = { signal: life.stop?.signal ?? signal, due, command };
    if (life.stage === "asked") return this.#close(life);
    if (life.stage === "ended") return this.#clear(life);
    this.#after(timeoutMs, () => life.stop?.due === due && this.#kill(life));
    if (isFirst && life.stage === "up") this.#gently(life);
    if (isFirst && life.stage === "spawning") this.#after(UNKILLABLE_MS, () => this.#hangs(life));
  }

  empty({ stream, incarnation }: { stream: string; incarnation: string }): void {
    this.#ports.asked("emptyIncarnation", stream, incarnation);
    const life = this.#lives.open(stream, incarnation);
    if (life?.stage === "ended" && life.unprovenPid === undefined) this.#clear(life);
  }

  signal({ stream, incarnation, signal }: Parameters<ProcessRunner["signal"]>[0]): void {
    this.#ports.asked("signalProcess", stream, incarnation);
    const life = this.#lives.get(incarnation);
    if (life?.stage === "up" && life.main) this.#ports.kernel.signal(life.main, signal);
  }

  watch({ stream, incarnation, pid }: Parameters<ProcessRunner["watch"]>[0]): void {
    this.#ports.asked("watchUnproven", stream, incarnation);
    const life = this.#lives.open(stream, incarnation);
    if (!life || life.isWatched) return;
    life.isWatched = true;
    life.unprovenPid ??= pid;
    const look = (): void => {
      const holder = this.#ports.kernel.byPid(pid);
      if (holder && holder === (life.main ?? holder)) return this.#after(WATCH_MS, look);
      delete life.unprovenPid;
      this.#clear(life);
    };
    look();
  }

  look(open: readonly OpenIncarnation[]): Promise<Map<string, Found>> {
    const { promise, resolve } = Promise.withResolvers<Map<string, Found>>();
    this.#after(2, () =>
      resolve(new Map(open.map((one) => [one.incarnation, this.#found(one)] as const))),
    );
    return promise;
  }

  /** What a look shows of an incarnation that an earlier daemon left. */
  #found(open: OpenIncarnation): Found {
    const { kernel } = this.#ports;
    const { stream, incarnation, pid, exited, startTime } = open;
    if (open.machineBoot !== kernel.machineBoot) return { kind: "none" };
    const all = kernel.of(incarnation);
    const proven = all.filter(({ role, program }) => !(role === "main" && program.hidden && pid));
    if (proven.length > 0) {
      const life = this.#lives.begin(stream, incarnation, "ended");
      const main = proven.find((one) => one.role === "main" && one.pid === pid);
      if (main) Object.assign(life, { stage: "up", main, isExitTold: exited });
      return { kind: "proven", pids: proven.map((one) => one.pid) };
    }
    const holder = pid === undefined || exited ? undefined : kernel.byPid(pid);
    if (pid === undefined || !holder || holder.startTime !== startTime) return { kind: "none" };
    Object.assign(this.#lives.begin(stream, incarnation, "ended"), {
      unprovenPid: pid,
      main: holder,
    });
    return { kind: "unproven", pid };
  }

  #forks(life: Life, { definition }: SpawnRequest, name: string): void {
    const { kernel, programs, chance } = this.#ports;
    const service = idOf(life.stream);
    const program = kernel.isKind ? GOOD : programs.of(service);
    const task = definition.oneshot ? { code: definition.successExitCodes[0] ?? 0 } : undefined;
    const { incarnation } = life;
    const main = kernel.fork({ role: "main", service, incarnation, name, program, task });
    life.stage = "spawning";
    life.main = main;
    main.answered = () =>
      this.#after(chance.whole(`answer ${name}`, 0, 1), () => this.#spawned(life, main));
  }

  #spawned(life: Life, main: Process): void {
    const { wall, chance } = this.#ports;
    const { incarnation } = life;
    const { pid, startTime, name } = main;
    if (life.stage !== "spawning") return;
    Object.assign(life, { stage: "up", isChild: true, isExitTold: false, hasOutput: true });
    main.parent = (status) =>
      this.#after(chance.whole(`look ${name}`, 0, 2), () => this.#mainEnded(life, status));
    this.#lives.tell(life, {
      type: "process.spawned",
      incarnation,
      pid,
      startTime,
      wall: wall(),
      logFrom: 0,
    });
    if (main.state === "gone") main.parent(main.status ?? {});
    if (life.stop) this.#gently(life);
  }

  #notSpawned(life: Life, errno: string, permanent: boolean): void {
    this.#lives.close(life);
    const error = {
      errno,
      message: `cannot be spawned: ${errno}`,
      ...(permanent && { permanent }),
    };
    const { incarnation } = life;
    this.#lives.tell(life, { type: "process.spawn_failed", incarnation, error });
  }

  #gently(life: Life): void {
    const { main, stop } = life;
    if (!main || !stop) return;
    const isAsked = stop.command && main.state === "up" && life.isChild;
    if (isAsked && main.program.stopCommand === "ends") {
      return this.#after(main.program.termMs, () => this.#ports.kernel.exit(main, { code: 0 }));
    }
    if (isAsked && main.program.stopCommand === "hangs" && !this.#ports.kernel.isKind) return;
    this.#after(1, () => {
      if (life.stage !== "up") return;
      const { incarnation } = life;
      const reason = "exited with code 1";
      if (isAsked)
        this.#lives.tell(life, { type: "process.stop_command_failed", incarnation, reason });
      for (const one of this.#left(life)) {
        if (one.role === "escapee") continue;
        this.#ports.kernel.signal(one, stop.signal);
        this.#ports.kernel.signal(one, "CONT");
      }
      if (!life.isChild) this.#watchesFound(life);
    });
  }

  /** What another daemon spawned tells nobody of its end. */
  #watchesFound(life: Life): void {
    if (life.stage !== "up") return;
    if (life.main?.state !== "gone") this.#after(LOOK_MS, () => this.#watchesFound(life));
    else this.#mainEnded(life, {});
  }

  #kill(life: Life): void {
    if (life.stage === "closed" || life.stage === "ended") return;
    this.#lives.tell(life, { type: "process.kill_sent", incarnation: life.incarnation });
    this.#clear(life);
  }

  #hangs(life: Life): void {
    if (life.stage === "spawning") this.#saysUnkillable(life, life.main?.pid ?? 0);
  }

  #saysUnkillable(life: Life, pid: number): void {
    if (life.isUnkillableTold) return;
    life.isUnkillableTold = true;
    this.#lives.tell(life, { type: "process.unkillable", incarnation: life.incarnation, pid });
  }

  #mainEnded(life: Life, status: ExitStatus): void {
    if (life.stage === "closed" || life.stage === "ended") return;
    life.stage = "ended";
    const exited = exitOf(life, status);
    if (this.#left(life).length === 0 && !life.stop && !life.isClearing) {
      this.#close(life, exited);
    } else {
      this.#lives.tell(life, ...exited);
      this.#clear(life);
    }
    this.#drains(life);
  }

  #drains(life: Life): void {
    if (!life.hasOutput) return;
    life.hasOutput = false;
    const { incarnation, main } = life;
    this.#after(main?.program.drainMs ?? 1, () =>
      this.#lives.tell(life, { type: "output.ended", incarnation, logTo: 0, lines: 0 }),
    );
  }

  /** KILL to all of it, again and again, until two looks found nothing. */
  #clear(life: Life): void {
    if (life.isClearing || life.stage === "closed") return;
    life.isClearing = true;
    const since = this.#now;
    let empty = 0;
    const look = (ms: number): void => {
      if (life.stage === "closed") return;
      const left = this.#left(life);
      for (const one of left) this.#ports.kernel.signal(one, "KILL");
      if (!life.isChild && life.stage === "up" && life.main?.state === "gone")
        this.#mainEnded(life, {});
      empty = left.length === 0 && life.stage === "ended" ? empty + 1 : 0;
      if (empty === 2) return this.#close(life);
      const [first] = left;
      if (this.#now - since >= UNKILLABLE_MS) this.#saysUnkillable(life, first?.pid ?? 0);
      this.#after(empty > 0 ? 0 : ms, () => look(Math.min(2 * ms, 250)));
    };
    look(1);
  }

  #close(life: Life, facts: readonly RunnerReport[] = []): void {
    if (life.stage === "closed") return;
    const { incarnation } = life;
    const told = [...facts, ...exitOf(life, {})];
    this.#lives.close(life);
    this.#lives.tell(life, ...told, { type: "incarnation.emptied", incarnation });
    this.#drains(life);
  }

  /** All of it that lives and can be seen to be its. */
  #left({ incarnation, unprovenPid }: Life): Process[] {
    return unprovenPid === undefined ? this.#ports.kernel.of(incarnation) : [];
  }

  /** See `Lives.echo`. */
  echo(service: string, back: number): void {
    this.#lives.echo(service, back);
  }

  get #now(): number {
    return this.#ports.now();
  }

  #after(ms: number, run: () => void): void {
    this.#ports.plans.after(ms, run);
  }
}
