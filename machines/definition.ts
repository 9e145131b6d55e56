/** When an exit that nobody asked for is followed by a new start. */
type RestartPolicy = "always" | "on-failure" | "never";

/** How the delay before the next try grows. Durations in milliseconds. */
export interface Backoff {
  firstMs: number;
  factor: number;
  maxMs: number;
  /** Share of the delay by which it may be shorter or longer: 0.2 is ±20 %. */
  jitter: number;
  /** After so long without a failure the count begins anew. */
  resetAfterMs: number;
}

/** A question put to a running service from outside. */
export type Probe =
  | { kind: "http"; port: number; path: string; host?: string }
  | { kind: "tcp"; port: number; host?: string }
  | { kind: "exec"; command: readonly string[] };

/** How a starting service shows that it is ready. */
export type Readiness =
  | Probe
  /** A line of its output holds this text. */
  | { kind: "log"; text: string }
  /** It sends READY=1 to the socket that NOTIFY_SOCKET names. Source: sd_notify(3). */
  | { kind: "notify" }
  /** It writes a newline to this descriptor. Source: s6, "notification-fd". */
  | { kind: "fd"; fd: number };

/** A variable of a service: a reference to a sealed value, or the name of a variable of the daemon's, read at each start and never stored. */
export type EnvValue = string | { readonly $env: string };

export interface HealthCheck {
  probe: Probe;
  everyMs: number;
  timeoutMs: number;
  /** So many failures in a row, and the process is ended. */
  failures: number;
}

/** A service as somebody defined it: only what was given. `resolved()` adds the defaults. */
export interface ServiceDefinition {
  cmd: string;
  args?: readonly string[];
  /** No value is in here: they are kept outside the log. */
  env?: { readonly [name: string]: EnvValue };
  /** A file of NAME=value lines, read at each start; `env` wins over it. */
  envFile?: string;
  dir?: string;
  /** Name or number; its groups come with it. Absent: the daemon's user. */
  user?: string;
  /** Name or number, in the place of the user's own first group. */
  group?: string;
  /** As a number: 0o022. Absent: the daemon's. */
  umask?: number;
  needs?: readonly string[];
  httpPort?: number;
  restart?: RestartPolicy;
  successExitCodes?: readonly number[];
  backoff?: Partial<Backoff>;
  maxFailures?: number;
  windowMs?: number;
  stopSignal?: string;
  stopTimeoutMs?: number;
  /** A program and its arguments, run to end the service gently; the signal follows only where it fails. */
  stopCommand?: readonly string[];
  ready?: Readiness;
  readyTimeoutMs?: number;
  health?: Pick<HealthCheck, "probe"> & Partial<HealthCheck>;
  oneshot?: boolean;
  /** Files and directories, below it or absolute, whose changes restart it while it runs. */
  watch?: readonly string[];
  /** For people and programs to choose by. */
  labels?: { readonly [name: string]: string };
}

/** A definition with every default in its place. The defaults belong to the machine's version: changing one changes what old logs mean. */
export interface ResolvedDefinition extends ServiceDefinition {
  args: readonly string[];
  env: { readonly [name: string]: EnvValue };
  needs: readonly string[];
  restart: RestartPolicy;
  successExitCodes: readonly number[];
  backoff: Backoff;
  windowMs: number;
  stopSignal: string;
  stopTimeoutMs: number;
  readyTimeoutMs: number;
  health?: HealthCheck;
  oneshot: boolean;
}

export const DEFAULT_BACKOFF: Backoff = {
  firstMs: 200,
  factor: 2,
  maxMs: 30_000,
  jitter: 0.2,
  resetAfterMs: 30_000,
};

/** A definition with its defaults. */
export function resolved(definition: ServiceDefinition): ResolvedDefinition {
  const { health, ...rest } = definition;
  return {
    ...rest,
    args: definition.args ?? [],
    env: definition.env ?? {},
    needs: definition.needs ?? [],
    restart: definition.restart ?? "always",
    successExitCodes: definition.successExitCodes ?? [0],
    backoff: { ...DEFAULT_BACKOFF, ...definition.backoff },
    windowMs: definition.windowMs ?? 60_000,
    stopSignal: definition.stopSignal ?? "TERM",
    stopTimeoutMs: definition.stopTimeoutMs ?? 10_000,
    readyTimeoutMs: definition.readyTimeoutMs ?? 60_000,
    oneshot: definition.oneshot ?? false,
    ...(health && { health: { everyMs: 10_000, timeoutMs: 5_000, failures: 3, ...health } }),
  };
}
