import type { ServiceDefinition } from "./definition.ts";
import type { Stamp } from "./kit.ts";

/** How a main process ended, as the kernel told it. All undefined: nobody saw it (`unknown`). */
export interface ExitStatus {
  code?: number;
  /** Name without `SIG`. */
  signal?: string;
  core?: boolean;
  oom?: boolean;
}

/** Why there is no process: the errno's name (`ENOENT`), its text, and whether trying again can help. */
export interface SpawnError {
  errno: string;
  message: string;
  /** True where no retry can help, such as an environment that cannot be decrypted. */
  permanent?: boolean;
}

/** What a daemon found of an incarnation that an earlier daemon left behind. */
export type Found =
  | { kind: "none" }
  | { kind: "proven"; pids: readonly number[] }
  | { kind: "unproven"; pid: number };

/** Timers a service can arm. */
export type ServiceTimer = "backoff" | "healthy" | "ready";

/** A person's (or program's) accepted wishes. */
type ServiceWish =
  /** Birth. `version` is the definition's: it goes on over a delete. */
  | { type: "service.created"; definition: ServiceDefinition; version: number }
  /** Another definition. `start`: also start it where it is down (PUT does, an update does not). */
  | { type: "service.changed"; definition: ServiceDefinition; version: number; start: boolean }
  | { type: "service.start_requested" }
  /** `timeoutMs`: in the place of the definition's stop timeout. */
  | { type: "service.stop_requested"; timeoutMs?: number }
  /** `path`: a file that changed, where that is the reason. */
  | { type: "service.restart_requested"; timeoutMs?: number; path?: string }
  | { type: "service.delete_requested"; timeoutMs?: number }
  | { type: "service.signal_requested"; signal: string }
  /** The daemon is ending: stop, but go on wishing to run. `signal`: in the place of the definition's stop signal. */
  | { type: "service.drain_requested"; timeoutMs?: number; signal?: string };

/** What runners report about one life of a process, its incarnation. */
export type ProcessReport =
  /** `machineBoot`: kernel boot and PID namespace it is asked for under. */
  | { type: "process.spawn_requested"; incarnation: string; machineBoot: string }
  /** `startTime`: field 22 of /proc/pid/stat, in clock ticks since the kernel's boot; "" where it could not be read. `logFrom`: where in the log file its output begins. */
  | {
      type: "process.spawned";
      incarnation: string;
      pid: number;
      startTime: string;
      wall: number;
      logFrom?: number;
    }
  /** `jitter`, here and below: 0 to 1, drawn by dispatch, for the delay before the next try. */
  | { type: "process.spawn_failed"; incarnation: string; error: SpawnError; jitter: number }
  | { type: "process.exited"; incarnation: string; status: ExitStatus; jitter: number }
  | { type: "process.lost"; incarnation: string }
  /** The time for a gentle end ran out and everything of the incarnation got KILL. */
  | { type: "process.kill_sent"; incarnation: string }
  /** The command that should end it did not: it gets the stop signal instead. */
  | { type: "process.stop_command_failed"; incarnation: string; reason: string }
  /** It outlived KILL for 5 seconds. */
  | { type: "process.unkillable"; incarnation: string; pid: number }
  /** Nothing of the incarnation is left. */
  | { type: "incarnation.emptied"; incarnation: string; jitter: number }
  /** The last byte of its output is in the file. */
  | {
      type: "output.ended";
      incarnation: string;
      logTo: number;
      lines: number;
      droppedBytes?: number;
    }
  | { type: "readiness.reached"; incarnation: string }
  /** It is asked whether it is ready and says no: recorded once that lasts, and again for another reason. */
  | { type: "readiness.failed"; incarnation: string; reason: string }
  /** So many failures of the health check in a row; `reason` says how the last one failed. */
  | { type: "health.failed"; incarnation: string; reason: string; failures: number }
  /** A change of the result of a health check that does not end anything yet. */
  | { type: "health.changed"; incarnation: string; ok: boolean; reason?: string };

export type ServiceFact =
  | ServiceWish
  | ProcessReport
  | { type: "timer.fired"; timer: ServiceTimer; armed: string }
  /** A daemon began: what it found of the open incarnation, and whether the machine under it is another boot. */
  | { type: "environment.booted"; found: Found; newMachineBoot: boolean };

export type ServiceEvent = ServiceFact & Stamp;

/** Every type of event that tells of processes. */
export const PROCESS_REPORT_TYPES = [
  "process.spawn_requested",
  "process.spawned",
  "process.spawn_failed",
  "process.exited",
  "process.lost",
  "process.kill_sent",
  "process.stop_command_failed",
  "process.unkillable",
  "incarnation.emptied",
  "output.ended",
  "readiness.reached",
  "readiness.failed",
  "health.failed",
  "health.changed",
] as const satisfies readonly ProcessReport["type"][];

/** Every type of event a service's stream can hold. */
export const SERVICE_EVENT_TYPES = [
  "service.created",
  "service.changed",
  "service.start_requested",
  "service.stop_requested",
  "service.restart_requested",
  "service.delete_requested",
  "service.signal_requested",
  "service.drain_requested",
  ...PROCESS_REPORT_TYPES,
  "timer.fired",
  "environment.booted",
] as const satisfies readonly ServiceEvent["type"][];
