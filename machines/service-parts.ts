import { and } from "xstate";
import { resolved } from "./definition.ts";
import type { Instant } from "./kit.ts";
import type { ServiceContext } from "./service-context.ts";
import type { ServiceEvent, ServiceTimer } from "./service-events.ts";
import { as, house } from "./service-setup.ts";

/** How an incarnation is asked to end: the wish's own timeout, else the definition's. */
export const ending = ({ context, event }: { context: ServiceContext; event: ServiceEvent }) => {
  const { stopSignal, stopTimeoutMs, stopCommand } = resolved(context.definition);
  const timeoutMs = "timeoutMs" in event ? event.timeoutMs : undefined;
  const forwarded = event.type === "service.drain_requested" ? event.signal : undefined;
  return {
    incarnation: context.open?.id ?? "",
    signal: forwarded ?? stopSignal,
    timeoutMs: timeoutMs ?? stopTimeoutMs,
    ...(stopCommand && { definition: context.definition }),
  };
};

export const stopIncarnation = { type: "stopIncarnation", params: ending } as const;
export const emptyIncarnation = {
  type: "emptyIncarnation",
  params: ({ context }: { context: ServiceContext }) => ({ incarnation: context.open?.id ?? "" }),
} as const;
export const stopProbes = { ...emptyIncarnation, type: "stopProbes" } as const;
export const spawnProcess = {
  type: "spawnProcess",
  params: ({ context }: { context: ServiceContext }) => ({
    incarnation: context.open?.id ?? "",
    definition: context.definition,
  }),
} as const;
export const watchUnproven = {
  type: "watchUnproven",
  params: ({ context }: { context: ServiceContext }) => ({
    incarnation: context.open?.id ?? "",
    pid: context.unprovenPid ?? 0,
  }),
} as const;
export const arm = (
  timer: ServiceTimer,
  dueAt: (context: ServiceContext, at: Instant) => Instant,
) =>
  [
    { type: "armed", params: { timer } },
    {
      type: "armTimer",
      params: ({ context, event }: { context: ServiceContext; event: ServiceEvent }) => ({
        timer,
        dueAt: dueAt(context, event.at),
        armed: event.id,
      }),
    },
  ] as const;
export const armBackoff = arm("backoff", (context, at) => context.dueAt ?? at);
export const armHealthy = arm(
  "healthy",
  (context, at) => at + resolved(context.definition).backoff.resetAfterMs,
);
export const armReady = arm(
  "ready",
  (context, at) => at + resolved(context.definition).readyTimeoutMs,
);
export const startHealth = {
  type: "startHealth",
  params: ({ context }: { context: ServiceContext }) => ({
    incarnation: context.open?.id ?? "",
    health: resolved(context.definition).health,
  }),
} as const;
export const startReadiness = {
  type: "startReadiness",
  params: ({ context }: { context: ServiceContext }) => ({
    incarnation: context.open?.id ?? "",
    readiness: context.definition.ready,
  }),
} as const;
export const signalProcess = {
  type: "signalProcess",
  params: ({ context, event }: { context: ServiceContext; event: ServiceEvent }) => ({
    incarnation: context.open?.id ?? "",
    signal: as(event, "service.signal_requested").signal,
  }),
} as const;

export const exitIs = (verdict: string) => ({ type: "exitIs", params: { verdict } }) as const;
export const spawnIs = (verdict: string) => ({ type: "spawnIs", params: { verdict } }) as const;
export const fired = (timer: ServiceTimer) => ({ type: "fired", params: { timer } }) as const;
export const found = (kind: "none" | "proven" | "unproven") =>
  ({ type: "found", params: { kind } }) as const;
export const retries = { type: "failureIs", params: { verdict: "retry" } } as const;

/** What every state takes: the end of an output comes when it comes, also after the next life began. */
export const always = house.createStateConfig({
  on: { "output.ended": { actions: "noteOutput" } },
}).on;

/** While something of it is being ended. */
export const leaving = house.createStateConfig({
  on: {
    "process.kill_sent": { guard: "current", actions: "noted" },
    "process.stop_command_failed": { guard: "current", actions: "noted" },
    "process.unkillable": { guard: "current", actions: "unkillable" },
  },
}).on;

/** While it is being ended, its main process included. */
export const goingDown = house.createStateConfig({
  on: {
    ...always,
    ...leaving,
    "process.spawned": { guard: "current", actions: ["spawned", stopIncarnation] },
    "process.exited": { guard: "current", actions: "exited" },
    "process.lost": { guard: "current", actions: "lost" },
    "service.signal_requested": { guard: "hasProcess", actions: signalProcess },
  },
}).on;

/** While its process is asked for or up. */
export const alive = house.createStateConfig({
  on: {
    ...always,
    "process.exited": [
      {
        guard: and(["current", exitIs("retry")]),
        target: "crashed",
        actions: [stopProbes, emptyIncarnation, "exited", "explainExit", "countFailure"],
      },
      {
        guard: and(["current", exitIs("succeeded")]),
        target: "stopping",
        actions: [stopProbes, emptyIncarnation, "exited", "endsWell"],
      },
      {
        guard: "current",
        target: "stopping",
        actions: [stopProbes, emptyIncarnation, "exited", "explainExit", "endsBadly"],
      },
    ],
    "service.start_requested": { actions: "countsAnew" },
    "service.restart_requested": {
      target: "restarting",
      actions: [stopProbes, stopIncarnation, "freshStart"],
    },
    "service.changed": { target: "restarting", actions: [stopProbes, stopIncarnation, "redefine"] },
    "service.stop_requested": {
      target: "stopping",
      actions: [stopProbes, stopIncarnation, "wishStopped"],
    },
    "service.delete_requested": {
      target: "stopping",
      actions: [stopProbes, stopIncarnation, "wishDeleted"],
    },
    "service.drain_requested": {
      target: "stopping",
      actions: [stopProbes, stopIncarnation, "drained"],
    },
    "service.signal_requested": { guard: "hasProcess", actions: signalProcess },
    "environment.booted": [
      { guard: found("proven"), target: "restarting", actions: stopIncarnation },
      { guard: found("unproven"), target: "pending", actions: ["unproven", watchUnproven] },
      { target: "restarting" },
    ],
  },
}).on;

/** Down, with no try to come by itself. */
export const down = house.createStateConfig({
  on: {
    ...always,
    "service.start_requested": { target: "pending", actions: "freshStart" },
    "service.restart_requested": { target: "pending", actions: "freshStart" },
    "service.changed": [
      { guard: "starts", target: "pending", actions: ["redefine", "freshStart"] },
      { actions: "redefine" },
    ],
    "service.delete_requested": { target: "deleted", actions: "wishDeleted" },
  },
}).on;

export const up = ["spawned", "forgetError", startHealth, ...armHealthy] as const;
