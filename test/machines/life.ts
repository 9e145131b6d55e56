import type { ServiceDefinition } from "../../machines/definition.ts";
import { serviceMachine } from "../../machines/service.ts";
import type { Found, SpawnError } from "../../machines/service-events.ts";
import { type Given, given } from "../support/given.ts";

/** A service that was just created. */
export const service = (
  definition: Partial<ServiceDefinition> = {},
): Given<typeof serviceMachine> =>
  given(serviceMachine, { definition: { cmd: "web", ...definition }, version: 1 });

export const asked = (incarnation = "in_1") =>
  ({ type: "process.spawn_requested", incarnation, machineBoot: "mb_1" }) as const;

export const spawned = (incarnation = "in_1", pid = 100) =>
  ({ type: "process.spawned", incarnation, pid, startTime: "7", wall: 1_000 }) as const;

export const notSpawned = (incarnation = "in_1", error: Partial<SpawnError> = {}) =>
  ({
    type: "process.spawn_failed",
    incarnation,
    error: { errno: "ENOENT", message: "no such file", ...error },
    jitter: 0.5,
  }) as const;

/** The main process ended: with a code, or by a signal's name. */
export const exited = (how: number | string = 1, incarnation = "in_1", jitter = 0.5) =>
  ({
    type: "process.exited",
    incarnation,
    status: typeof how === "number" ? { code: how } : { signal: how },
    jitter,
  }) as const;

export const emptied = (incarnation = "in_1", jitter = 0.5) =>
  ({ type: "incarnation.emptied", incarnation, jitter }) as const;

export const lost = (incarnation = "in_1") => ({ type: "process.lost", incarnation }) as const;

export const ready = (incarnation = "in_1") =>
  ({ type: "readiness.reached", incarnation }) as const;

export const unhealthy = (incarnation = "in_1") =>
  ({ type: "health.failed", incarnation, reason: "connection refused", failures: 3 }) as const;

export const start = { type: "service.start_requested" } as const;
export const stop = { type: "service.stop_requested" } as const;
export const restart = { type: "service.restart_requested" } as const;
export const remove = { type: "service.delete_requested" } as const;
export const drain = { type: "service.drain_requested" } as const;
export const unkillable = { type: "process.unkillable", incarnation: "in_1", pid: 100 } as const;

export const changed = (begin: boolean, definition: ServiceDefinition = { cmd: "other" }) =>
  ({ type: "service.changed", definition, version: 2, start: begin }) as const;

export const fired = (timer: "backoff" | "healthy" | "ready", armed: string) =>
  ({ type: "timer.fired", timer, armed }) as const;

const FOUND: { [Kind in Found["kind"]]: Found } = {
  none: { kind: "none" },
  proven: { kind: "proven", pids: [100] },
  unproven: { kind: "unproven", pid: 100 },
};

export const booted = (found: Found["kind"] = "none", newMachineBoot = false) =>
  ({ type: "environment.booted", found: FOUND[found], newMachineBoot }) as const;

/** Where services that a test needs often are. */
export const running = (definition: Partial<ServiceDefinition> = {}) =>
  service(definition).when(asked(), spawned());
export const crashed = (definition: Partial<ServiceDefinition> = {}) =>
  running(definition).when(exited(), emptied());
export const stopped = (definition: Partial<ServiceDefinition> = {}) =>
  running(definition).when(stop, exited("TERM"), emptied());
/** A process is found at a boot that nothing proves to be the service's. */
export const unproven = (definition: Partial<ServiceDefinition> = {}) =>
  running(definition).when(booted("unproven"));
