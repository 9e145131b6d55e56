/** When an exit that nobody asked for is followed by a new start. */
export type RestartPolicy = "always" | "on-failure" | "never";

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
export type Readiness = Probe;

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
  /** Names, each with a reference to its value, which is kept outside the log. */
  env?: { readonly [name: string]: string };
  dir?: string;
  needs?: readonly string[];
  httpPort?: number;
  restart?: RestartPolicy;
  successExitCodes?: readonly number[];
  backoff?: Partial<Backoff>;
  maxFailures?: number;
  windowMs?: number;
  stopSignal?: string;
  stopTimeoutMs?: number;
  ready?: Readiness;
  readyTimeoutMs?: number;
  health?: Pick<HealthCheck, "probe"> & Partial<HealthCheck>;
  oneshot?: boolean;
}

/** A definition with every default in its place. The defaults belong to the machine's version: changing one changes what old logs mean. */
export interface ResolvedDefinition extends ServiceDefinition {
  args: readonly string[];
  env: { readonly [name: string]: string };
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
