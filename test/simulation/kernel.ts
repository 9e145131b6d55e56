import type { ExitStatus } from "../../machines/service-events.ts";
import { keeps } from "./broken.ts";
import type { Chance } from "./chance.ts";
import { GOOD, type Program } from "./programs.ts";
import type { Scheduler } from "./scheduler.ts";

/** What a process is to its service; a stranger is nobody's. */
export type Role = "main" | "child" | "escapee" | "stranger";

export interface Process {
  readonly pid: number;
  readonly startTime: string;
  readonly role: Role;
  readonly service: string;
  readonly incarnation: string;
  /** Its birth and its luck by name. */
  readonly name: string;
  program: Program;
  /** How it ends when its task is done; absent: it has none, and goes on. */
  readonly task?: ExitStatus | undefined;
  /** Between fork and exec, it is not the program yet. */
  state: "exec" | "up" | "gone";
  isReady: boolean;
  isStopped: boolean;
  /** Signals that it gets as soon as it can. */
  pending: string[];
  status?: ExitStatus;
  /** Its parent, while that lives and waits for its exec, and for its end. */
  answered?: (() => void) | undefined;
  parent?: ((status: ExitStatus) => void) | undefined;
}

/** Numbers are few, so that they are used again soon. */
const FIRST_PID = 100;
const PIDS = 60;

/** How long a task takes, in milliseconds. */
const TASK_MS = 50;

/** Signals whose default is not to end a process. */
const HARMLESS = new Set(["CONT", "STOP", "CHLD", "WINCH", "URG"]);

/** Processes without a kernel: they live, fork, ignore, hang and die, whether a daemon looks or not. */
export class Kernel {
  /** Kernel boot and PID namespace. */
  machineBoot = "kernel-1";
  /** Everything works: nothing hangs or survives KILL. */
  isKind = false;
  #boots = 1;
  #born = 0;
  #nextPid = 0;
  #lastFreed = 0;
  readonly #alive = new Map<number, Process>();
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;

  constructor(scheduler: Scheduler, chance: Chance) {
    this.#scheduler = scheduler;
    this.#chance = chance;
  }

  /** All that live, in the order of their births. */
  get processes(): Process[] {
    return [...this.#alive.values()];
  }

  of(incarnation: string): Process[] {
    return this.processes.filter((one) => one.incarnation === incarnation);
  }

  ofService(service: string): Process[] {
    return this.processes.filter((one) => one.service === service);
  }

  mainOf(service: string): Process | undefined {
    return this.ofService(service).find(({ role, state }) => role === "main" && state === "up");
  }

  byPid(pid: number): Process | undefined {
    return this.#alive.get(pid);
  }

  /** A process is forked; it is the program once its exec is done. @throws Broken where its service has one already, or something of an earlier life */
  fork(
    given: Pick<Process, "role" | "service" | "incarnation" | "name" | "program" | "task">,
  ): Process {
    if (given.role === "main") this.#mustBeAlone(given.service, given.incarnation);
    this.#born += 1;
    const process: Process = {
      ...given,
      pid: this.#freePid(given.role),
      startTime: `${this.#boots * 1_000_000 + this.#born}`,
      state: given.role === "main" ? "exec" : "up",
      isReady: false,
      isStopped: false,
      pending: [],
    };
    this.#alive.set(process.pid, process);
    if (process.state === "exec" && !this.#hangs(process))
      this.#scheduler.after(process.program.execMs, () => this.#begins(process));
    return process;
  }

  #hangs({ program }: Process): boolean {
    return program.execHangs && !this.isKind;
  }

  /** Its exec is done: the program runs, forks, and may have its own end in mind. */
  #begins(process: Process): void {
    if (process.state !== "exec") return;
    process.state = "up";
    process.answered?.();
    const { program, service, incarnation, name } = process;
    for (const role of family(program)) this.fork({ role, service, incarnation, name, program });
    const { readyMs, ends } = program;
    const later = (ms: number, run: () => void) =>
      this.#scheduler.after(ms, () => process.state === "up" && run());
    if (readyMs !== null) later(readyMs, () => void (process.isReady = true));
    if (ends) later(ends.afterMs, () => !this.isKind && this.exit(process, ends.status));
    if (process.task) this.#worksOn(process, process.task);
    for (const signal of process.pending.splice(0)) this.signal(process, signal);
  }

  /** @throws Broken where the process is nobody's of ours */
  signal(process: Process, signal: string): void {
    keeps(process.role !== "stranger", "I11", () => `${signal} was sent to a stranger`);
    if (process.state === "gone") return;
    if (signal === "KILL") return this.#kill(process);
    if (signal === "STOP") return void (process.isStopped = true);
    if (signal === "CONT") return this.#continue(process);
    if (process.state === "exec" || process.isStopped) return void process.pending.push(signal);
    if (process.program.stubborn || HARMLESS.has(signal)) return;
    const isGraceful = signal === "TERM" && this.#chance.draw(`grace ${process.name}`) < 0.3;
    const status = isGraceful ? { code: 0 } : { signal };
    this.#scheduler.after(process.program.termMs, () => this.exit(process, status));
  }

  #worksOn(process: Process, done: ExitStatus): void {
    if (this.isKind || !process.program.ends)
      this.#scheduler.after(TASK_MS, () => this.exit(process, done));
  }

  #continue(process: Process): void {
    process.isStopped = false;
    for (const signal of process.pending.splice(0)) this.signal(process, signal);
  }

  #kill(process: Process): void {
    if (process.program.immortal && !this.isKind) return void process.pending.push("KILL");
    this.exit(process, { signal: "KILL" });
  }

  exit(process: Process, status: ExitStatus): void {
    if (process.state === "gone") return;
    const isHalfBorn = process.state === "exec";
    process.state = "gone";
    process.status = status;
    this.#alive.delete(process.pid);
    this.#lastFreed = process.pid;
    if (isHalfBorn) process.answered?.();
    process.parent?.(status);
  }

  /** The main process of a service ends by itself. */
  ends(service: string, status: ExitStatus): void {
    const main = this.mainOf(service);
    if (main && !(main.program.immortal && status.signal !== undefined)) this.exit(main, status);
  }

  /** The main process of a service forks. One that nothing will prove ours has no family here: it could not be told from a stranger. */
  forks(service: string, role: "child" | "escapee"): void {
    const main = this.mainOf(service);
    if (!main || main.program.hidden) return;
    const { incarnation, name, program } = main;
    this.fork({ role, service, incarnation, name, program });
  }

  /** It ended while nobody looked, and a stranger may have its number. */
  isLost({ service, isTaken }: { service: string; isTaken: boolean }): void {
    if (!this.mainOf(service)) return;
    this.ends(service, { code: 1 });
    if (isTaken) this.stranger();
  }

  /** What a service's processes do, or stop doing, from now on. */
  fallsIll(service: string, ill: Partial<Program>): void {
    if (ill.hidden && this.ofService(service).length > 1) return;
    for (const one of this.ofService(service)) one.program = { ...one.program, ...ill };
  }

  /** The daemon is gone: nobody waits for its children any more. */
  orphan(): void {
    for (const process of this.processes) {
      process.parent = undefined;
      process.answered = undefined;
    }
  }

  /** Everything is gone, and another life of the machine begins. */
  reboot(): void {
    for (const process of this.processes) process.state = "gone";
    this.#alive.clear();
    this.#boots += 1;
    this.machineBoot = `kernel-${this.#boots}`;
  }

  /** Somebody else's process begins, with a number that was used before where there is one. */
  stranger(): void {
    this.fork({ role: "stranger", service: "", incarnation: "", name: "", program: GOOD });
  }

  strangersLeave(): void {
    for (const one of this.processes) if (one.role === "stranger") this.exit(one, { code: 0 });
  }

  /** Nothing hangs any more, and what waits for its end gets it. */
  beKind(): void {
    this.isKind = true;
    for (const process of this.processes) {
      process.program = { ...process.program, stubborn: false, immortal: false, healthy: true };
      process.isReady = true;
      if (process.state === "exec" && process.program.execHangs) this.#begins(process);
      if (process.pending.includes("KILL")) this.exit(process, { signal: "KILL" });
      else if (process.state === "up") this.#continue(process);
      if (process.state === "up" && process.task) this.#worksOn(process, process.task);
    }
  }

  #mustBeAlone(service: string, incarnation: string): void {
    const others = this.ofService(service).filter((one) => one.incarnation !== incarnation);
    const describe = () =>
      others.map(({ pid, role, incarnation: of }) => `${role} ${pid} of ${of}`).join(", ");
    keeps(others.length === 0, "I1", () => `${service} gets a process beside ${describe()}`);
    const twice = this.of(incarnation).some(({ role }) => role === "main");
    keeps(!twice, "I1", () => `${incarnation} of ${service} is spawned twice`);
  }

  /** Strangers get a number that was just given back, since that is what a boot must not fall for. */
  #freePid(role: Role): number {
    const freed = this.#lastFreed;
    if (role === "stranger" && freed > 0 && !this.#alive.has(freed)) return freed;
    for (let tries = 0; tries < 10 * PIDS; tries += 1) {
      this.#nextPid += 1;
      const pid = FIRST_PID + (this.#nextPid % Math.max(PIDS, 2 * this.#alive.size));
      if (!this.#alive.has(pid)) return pid;
    }
    throw new Error("the simulated machine has no free process number");
  }
}

const family = ({ children, escapees }: Program): Role[] => [
  ...Array.from({ length: children }, () => "child" as const),
  ...Array.from({ length: escapees }, () => "escapee" as const),
];
