import type { ComponentStep } from "./component-plan.ts";
import type { OwnedStep } from "./owned.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { EnvValue, ServiceDefinition } from "../../machines/definition.ts";
import type { ExitStatus } from "../../machines/service-events.ts";

/** Who asks, and under which conditions. */
export interface Caller {
  /** `uid:0` over the socket, `token:NAME` over TCP. */
  actor: string;
  /** May see values of `env` and change things. */
  full: boolean;
  /** `Idempotency-Key`, with the SHA-256 of method, path and body it stands for. */
  key?: { value: string; request: string };
  /** `If-Match`: the version of the definition that the caller has read; "*" is any that exists. */
  ifMatch?: number | "*";
}

/** A definition as somebody asks for it: values of `env` in clear. */
export type RequestedDefinition = ServiceDefinition;

export type Phase =
  | "pending"
  | "starting"
  | "running"
  | "crashed"
  | "restarting"
  | "stopping"
  | "stopped"
  | "failed";

/** A service as the read model has it. Times in milliseconds of the wall clock. */
export interface ServiceView {
  name: string;
  /** `env` holds references; `envValues` the clear values, where the caller may see them. */
  definition: ServiceDefinition;
  envValues?: { readonly [name: string]: EnvValue };
  version: number;
  phase: Phase;
  desired: "running" | "stopped";
  pid?: number;
  startedAt?: number;
  error?: string;
  restartCount: number;
  nextRestartAt?: number;
  waitingFor: readonly string[];
  flags: readonly ("crash-looping" | "unkillable" | "quarantined" | "unhealthy")[];
  lastExit?: ExitStatus & { spawnError?: string };
  incarnation?: string;
  /** Path of its log file. */
  logFile: string;
}

/** One line of a command's reply as it happens. `time`: milliseconds of the wall clock. */
export type StreamLine =
  | { type: "pending"; data: string; time: number }
  | { type: "started"; time: number }
  | { type: "stdout" | "stderr"; data: string; time: number }
  | { type: "exit"; exitCode: number; time: number }
  /** `code`: of the closed list, where it says more than that the service failed. */
  | { type: "error"; data: string; code?: ErrorCode; time: number }
  /** `data`: of another service, which went first. */
  | { type: "stopping"; data?: string; time: number }
  | { type: "stopped"; exitCode?: number; time: number }
  | { type: "complete"; logFile: string; message?: string; time: number };

/** What configuration leads to. */
export interface ConfigPlan {
  /** The file, absolute. */
  file: string;
  components: readonly ComponentStep[];
  steps: readonly OwnedStep[];
  /** Keys that say something else than when the daemon began, and that only another daemon heeds. */
  otherKeys: readonly string[];
}

/** Holds components and services to the configuration file. Each reads it again. */
export interface ConfigCommands {
  /** What `reload` would do now. @throws AppError where the file cannot be taken */
  plan(): Promise<ConfigPlan>;
  /** @throws AppError where the file cannot be taken: nothing is changed then */
  reload(caller: Pick<Caller, "actor">): Promise<ConfigPlan>;
}

export interface LogOptions {
  /** The last so many lines; absent: all that is kept. */
  lines?: number;
  /** Go on with what comes for so long; 0: no. Infinity: until the reader leaves. */
  followMs: number;
}

/**
 * What may be asked of services. Each method refuses with an AppError before anything is stored or sent;
 * once it resolves the wish is durable, and the lines tell what comes of it. A reader may leave at any time: the wish stands.
 */
export interface ServiceCommands {
  list(caller: Caller): ServiceView[];
  /** @throws AppError `service_not_found` */
  get(name: string, caller: Caller): ServiceView;
  /** Creates or changes, and starts. `durationMs` 0: waits for the spawn only. */
  put(
    name: string,
    definition: RequestedDefinition,
    durationMs: number,
    caller: Caller,
  ): Promise<AsyncIterable<StreamLine>>;
  /** Changes the definition without starting what is down. Fields that are null are removed, absent ones stay. */
  update(
    name: string,
    change: { readonly [Field in keyof RequestedDefinition]?: RequestedDefinition[Field] | null },
    durationMs: number,
    caller: Caller,
  ): Promise<AsyncIterable<StreamLine>>;
  /**
   * Gives it an earlier definition again, as a new version; starts what should run and is down. `version` undefined: the one before the newest.
   *
   * @throws AppError `version_not_found`
   */
  rollback(
    name: string,
    version: number | undefined,
    durationMs: number,
    caller: Caller,
  ): Promise<AsyncIterable<StreamLine>>;
  start(name: string, durationMs: number, caller: Caller): Promise<AsyncIterable<StreamLine>>;
  restart(
    name: string,
    durationMs: number,
    timeoutMs: number | undefined,
    caller: Caller,
  ): Promise<AsyncIterable<StreamLine>>;
  stop(
    name: string,
    options: { timeoutMs?: number; withDependents: boolean },
    caller: Caller,
  ): Promise<AsyncIterable<StreamLine>>;
  /** Resolves when the process is gone and the definition removed. */
  remove(name: string, caller: Caller): Promise<void>;
  signal(name: string, signal: string, caller: Caller): Promise<void>;
  logs(name: string, options: LogOptions, caller: Caller): Promise<AsyncIterable<StreamLine>>;
}
