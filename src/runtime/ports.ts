import type { Probe, Readiness, ResolvedDefinition } from "../../machines/definition.ts";
import type { Found, ProcessReport, ServiceTimer } from "../../machines/service-events.ts";

/** A report without what `dispatch` adds to it (the jitter's draw). */
type Undrawn<R> = R extends unknown ? Omit<R, "jitter"> : never;
export type RunnerReport = Undrawn<
  Exclude<ProcessReport, { type: "process.spawn_requested" | "process.lost" }>
>;

/** How a runner tells what happened: facts of one stream that belong together, appended as one group, in order. Never throws, never loses one. */
export type Report = (stream: string, facts: readonly RunnerReport[]) => void;

/** What identifies a process that an earlier daemon spawned: as recorded in the log. */
export interface OpenIncarnation {
  stream: string;
  incarnation: string;
  /** Absent: its spawn was asked for, and no result recorded. */
  pid?: number;
  startTime?: string;
  /** Whether its main process's end is recorded (only descendants can be left). */
  exited: boolean;
  /** Kernel boot and PID namespace it was spawned under, as `machineBoot()` gave it then. */
  machineBoot: string;
}

export interface SpawnRequest {
  stream: string;
  incarnation: string;
  definition: ResolvedDefinition;
  /** What its main process leaves behind goes on when that ends, and a stop ends it gently. */
  keepsOrphans?: boolean;
}

/** Processes of services: the one thing that spawns and ends them. Every method returns at once and reports what came of it. */
export interface ProcessRunner {
  /** Reports `process.spawned` or `process.spawn_failed`; later `process.exited`, with `incarnation.emptied` in the same report where nothing is left behind; `output.ended`. */
  spawn(request: SpawnRequest): void;
  /**
   * Ends the incarnation: signal then CONT to the group, after `timeoutMs` KILL to all that is proven its (`process.kill_sent`), `process.unkillable` 5 s later, `incarnation.emptied` when a scan found nothing twice.
   * A spawn still in flight is waited for. A second call may only shorten the time. An incarnation that is not known reports `incarnation.emptied` after a scan.
   *
   * With a `definition`, its stop command runs first, as the service itself does, while the main process lives: what it does not end by the deadline gets KILL;
   * where it fails (`process.stop_command_failed`) the signal follows at once.
   */
  stop(request: {
    stream: string;
    incarnation: string;
    signal: string;
    timeoutMs: number;
    definition?: ResolvedDefinition;
  }): void;
  /** The main process ended: KILL what it left behind, report `incarnation.emptied`. Nothing to do where the exit's report said so already. */
  empty(request: { stream: string; incarnation: string }): void;
  /** To the main process alone, through a pidfd; nothing where it is gone. */
  signal(request: { stream: string; incarnation: string; signal: string }): void;
  /** Looks every 5 s at a process that nothing proves to be ours, signals nothing, and reports `incarnation.emptied` when it is gone. */
  watch(request: { stream: string; incarnation: string; pid: number }): void;
  /** What is left of incarnations of an earlier daemon; keeps their proofs for later calls. Also opens their FIFOs, so that what they write goes on into the logs. */
  look(open: readonly OpenIncarnation[]): Promise<Map<string, Found>>;
}

/** Timers on the runtime's clock. */
export interface TimerRunner {
  /** `timer.fired` with `armed` when the clock reaches `dueAt`. Arming the same stream and timer again replaces. */
  arm(request: { stream: string; timer: ServiceTimer; dueAt: number; armed: string }): void;
}

/** Questions put to running services. */
export interface ProbeRunner {
  /** Asks every so often until `stop`; reports `health.changed` on changes and `health.failed` at the limit. */
  startHealth(request: {
    stream: string;
    incarnation: string;
    probe: Probe;
    everyMs: number;
    timeoutMs: number;
    failures: number;
  }): void;
  /** Asks, or listens, until the answer is yes, then reports `readiness.reached`; a no that lasts is reported as `readiness.failed`, each reason once. */
  startReadiness(request: { stream: string; incarnation: string; readiness: Readiness }): void;
  /** Ends all questions to the incarnation. */
  stop(request: { incarnation: string }): void;
}
