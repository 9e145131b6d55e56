import { and, assign, setup } from "xstate";
import { type HealthCheck, type Probe, resolved, type ServiceDefinition } from "./definition.ts";
import { effect, type Instant } from "./kit.ts";
import {
  afterFailure,
  dueAfterBoot,
  exitInWords,
  exitVerdict,
  failureVerdict,
  hasProcess,
  type Incarnation,
  type ServiceContext,
  spawnVerdict,
} from "./service-context.ts";
import type { ServiceEvent, ServiceTimer } from "./service-events.ts";

export interface ServiceInput {
  definition: ServiceDefinition;
  version: number;
}

/** The event of one type, where an action or a guard is only ever used with it. */
type Of<Type extends ServiceEvent["type"]> = Extract<ServiceEvent, { type: Type }>;
const as = <Type extends ServiceEvent["type"]>(event: ServiceEvent, _type: Type): Of<Type> =>
  event as Of<Type>;

/** How an incarnation is asked to end: the wish's own timeout, else the definition's. */
const ending = ({ context, event }: { context: ServiceContext; event: ServiceEvent }) => {
  const { stopSignal, stopTimeoutMs } = resolved(context.definition);
  const timeoutMs = "timeoutMs" in event ? event.timeoutMs : undefined;
  return {
    incarnation: context.open?.id ?? "",
    signal: stopSignal,
    timeoutMs: timeoutMs ?? stopTimeoutMs,
  };
};

const changedOpen = (
  context: ServiceContext,
  patch: Partial<Incarnation>,
): Partial<ServiceContext> => (context.open ? { open: { ...context.open, ...patch } } : {});

/** A person's start or change: what went wrong before does not count any more. */
const FRESH = { restartCount: 0, attempt: 0, failures: [], failing: false };

const house = setup({
  types: {} as { context: ServiceContext; events: ServiceEvent; input: ServiceInput },
  actions: {
    // What it asks for.
    spawnProcess: effect<{ incarnation: string; definition: ServiceDefinition }>(),
    stopIncarnation: effect<{ incarnation: string; signal: string; timeoutMs: number }>(),
    emptyIncarnation: effect<{ incarnation: string }>(),
    watchUnproven: effect<{ incarnation: string; pid: number }>(),
    signalProcess: effect<{ incarnation: string; signal: string }>(),
    armTimer: effect<{ timer: ServiceTimer; dueAt: Instant; armed: string }>(),
    /** `health` absent: nothing is asked. */
    startHealth: effect<{ incarnation: string; health: HealthCheck | undefined }>(),
    startReadiness: effect<{ incarnation: string; probe: Probe | undefined }>(),
    stopProbes: effect<{ incarnation: string }>(),

    // What it remembers.
    open: assign(({ event }) => {
      const { incarnation, machineBoot } = as(event, "process.spawn_requested");
      return {
        open: { id: incarnation, machineBoot, exited: false },
        dueAt: undefined,
        delayMs: undefined,
        armed: {}, // what an earlier life armed and still waits is not for this one
      };
    }),
    spawned: assign(({ context, event }) => {
      const { pid, startTime, wall, logFrom } = as(event, "process.spawned");
      return {
        ...changedOpen(context, { pid, startTime }),
        startedAt: wall,
        output: { incarnation: context.open?.id ?? "", from: logFrom ?? 0 },
      };
    }),
    notSpawned: assign(({ event }) => {
      const { error } = as(event, "process.spawn_failed");
      return {
        open: undefined,
        unkillablePid: undefined,
        error: error.message,
        lastExit: { spawnError: error.errno },
      };
    }),
    exited: assign(({ context, event }) => {
      const { status } = as(event, "process.exited");
      return { ...changedOpen(context, { exited: true }), lastExit: status };
    }),
    explainExit: assign(({ event }) => ({
      error: exitInWords(as(event, "process.exited").status),
    })),
    lost: assign(({ context }) => ({ ...changedOpen(context, { exited: true }), lastExit: {} })),
    emptied: assign({
      open: undefined,
      unkillablePid: undefined,
      unprovenPid: undefined,
      unhealthy: undefined,
    }),
    countFailure: assign(({ context, event }) =>
      afterFailure(context, event.at, "jitter" in event ? event.jitter : 0.5),
    ),
    due: assign({ dueAt: undefined, delayMs: undefined }),
    dueAfterBoot: assign(({ context, event }) => ({ dueAt: dueAfterBoot(context, event.at) })),
    freshStart: assign({
      ...FRESH,
      desired: "running",
      error: undefined,
      ending: undefined,
      dueAt: undefined,
    }),
    countsAnew: assign(FRESH),
    wishStopped: assign({
      desired: "stopped",
      ending: undefined,
      failing: false,
      dueAt: undefined,
      error: undefined,
    }),
    wishDeleted: assign({
      desired: "stopped",
      deleting: true,
      ending: undefined,
      failing: false,
      dueAt: undefined,
    }),
    redefine: assign(({ event }) => {
      const { definition, version } = as(event, "service.changed");
      return { ...FRESH, definition, version };
    }),
    drained: assign({ ending: "drained", failing: false, dueAt: undefined }),
    endsWell: assign({ ending: "succeeded", error: undefined }),
    endsBadly: assign({ ending: "failed" }),
    willTry: assign({ ending: undefined, failing: false }),
    willCount: assign({ failing: true }),
    blameHealth: assign(({ event }) => ({
      error: `unhealthy: ${as(event, "health.failed").reason}`,
    })),
    blameReadiness: assign(({ context }) => ({
      error: `not ready within ${resolved(context.definition).readyTimeoutMs / 1000} s`,
    })),
    noteHealth: assign(({ event }) => {
      const { ok, reason } = as(event, "health.changed");
      return { unhealthy: ok ? undefined : (reason ?? "failed") };
    }),
    forgetError: assign({ error: undefined }),
    noteOutput: assign(({ context, event }) => {
      const { incarnation, logTo } = as(event, "output.ended");
      return context.output?.incarnation === incarnation
        ? { output: { ...context.output, to: logTo } }
        : {};
    }),
    noted: assign({}),
    healed: assign({ attempt: 0, failures: [], crashLooping: false }),
    unkillable: assign(({ event }) => ({ unkillablePid: as(event, "process.unkillable").pid })),
    unproven: assign(({ event }) => {
      const { found } = as(event, "environment.booted");
      return found.kind === "unproven" ? { unprovenPid: found.pid } : {};
    }),
    proven: assign({ unprovenPid: undefined }),
    armed: assign(({ context, event }, { timer }: { timer: ServiceTimer }) => ({
      armed: { ...context.armed, [timer]: event.id },
    })),
  },
  guards: {
    current: ({ context, event }) =>
      "incarnation" in event && event.incarnation === context.open?.id,
    isOpen: ({ context }) => context.open !== undefined,
    isEmpty: ({ context }) => context.open === undefined,
    /** It is waited for, never ended: nothing proves it ours. */
    isUnproven: ({ context }) => context.unprovenPid !== undefined,
    hasProcess: ({ context }) => hasProcess(context),
    deleting: ({ context }) => context.deleting,
    staying: ({ context }) => !context.deleting,
    failing: ({ context }) => context.failing,
    wantsToRun: ({ context }) => context.desired === "running" && !context.deleting,
    /** A boot starts again what a shutdown stopped; what ended by its own policy comes back with the next boot of the machine. */
    returns: ({ context, event }) =>
      context.desired === "running" &&
      !context.deleting &&
      (context.ending === "drained" || as(event, "environment.booted").newMachineBoot),
    hasFailed: ({ context }) =>
      context.attempt > 0 || context.crashLooping || context.failures.length > 0,
    endedBadly: ({ context }) => context.ending === "failed",
    starts: ({ event }) => as(event, "service.changed").start,
    declaresReadiness: ({ context }) => context.definition.ready !== undefined,
    noMoreDelay: ({ context, event }) => (context.dueAt ?? event.at) <= event.at,
    exitIs: ({ context, event }, { verdict }: { verdict: string }) =>
      exitVerdict(context, as(event, "process.exited").status, event.at) === verdict,
    spawnIs: ({ context, event }, { verdict }: { verdict: string }) =>
      spawnVerdict(context, as(event, "process.spawn_failed").error, event.at) === verdict,
    failureIs: ({ context, event }, { verdict }: { verdict: string }) =>
      failureVerdict(context, event.at) === verdict,
    fired: ({ context, event }, { timer }: { timer: ServiceTimer }) => {
      const fired = as(event, "timer.fired");
      return fired.timer === timer && fired.armed === context.armed[timer];
    },
    found: ({ event }, { kind }: { kind: string }) =>
      as(event, "environment.booted").found.kind === kind,
    newMachineBoot: ({ event }) => as(event, "environment.booted").newMachineBoot,
  },
});

const stopIncarnation = { type: "stopIncarnation", params: ending } as const;
const emptyIncarnation = {
  type: "emptyIncarnation",
  params: ({ context }: { context: ServiceContext }) => ({ incarnation: context.open?.id ?? "" }),
} as const;
const stopProbes = { ...emptyIncarnation, type: "stopProbes" } as const;
const spawnProcess = {
  type: "spawnProcess",
  params: ({ context }: { context: ServiceContext }) => ({
    incarnation: context.open?.id ?? "",
    definition: context.definition,
  }),
} as const;
const watchUnproven = {
  type: "watchUnproven",
  params: ({ context }: { context: ServiceContext }) => ({
    incarnation: context.open?.id ?? "",
    pid: context.unprovenPid ?? 0,
  }),
} as const;
const arm = (timer: ServiceTimer, dueAt: (context: ServiceContext, at: Instant) => Instant) =>
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
const armBackoff = arm("backoff", (context, at) => context.dueAt ?? at);
const armHealthy = arm(
  "healthy",
  (context, at) => at + resolved(context.definition).backoff.resetAfterMs,
);
const armReady = arm("ready", (context, at) => at + resolved(context.definition).readyTimeoutMs);
const startHealth = {
  type: "startHealth",
  params: ({ context }: { context: ServiceContext }) => ({
    incarnation: context.open?.id ?? "",
    health: resolved(context.definition).health,
  }),
} as const;
const startReadiness = {
  type: "startReadiness",
  params: ({ context }: { context: ServiceContext }) => ({
    incarnation: context.open?.id ?? "",
    probe: context.definition.ready,
  }),
} as const;
const signalProcess = {
  type: "signalProcess",
  params: ({ context, event }: { context: ServiceContext; event: ServiceEvent }) => ({
    incarnation: context.open?.id ?? "",
    signal: as(event, "service.signal_requested").signal,
  }),
} as const;

const exitIs = (verdict: string) => ({ type: "exitIs", params: { verdict } }) as const;
const spawnIs = (verdict: string) => ({ type: "spawnIs", params: { verdict } }) as const;
const fired = (timer: ServiceTimer) => ({ type: "fired", params: { timer } }) as const;
const found = (kind: "none" | "proven" | "unproven") =>
  ({ type: "found", params: { kind } }) as const;
const retries = { type: "failureIs", params: { verdict: "retry" } } as const;

/** What every state takes: the end of an output comes when it comes, also after the next life began. */
const always = house.createStateConfig({ on: { "output.ended": { actions: "noteOutput" } } }).on;

/** While something of it is being ended. */
const leaving = house.createStateConfig({
  on: {
    "process.kill_sent": { guard: "current", actions: "noted" },
    "process.unkillable": { guard: "current", actions: "unkillable" },
  },
}).on;

/** While it is being ended, its main process included. */
const goingDown = house.createStateConfig({
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
const alive = house.createStateConfig({
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
const down = house.createStateConfig({
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

const up = ["spawned", "forgetError", startHealth, ...armHealthy] as const;

/**
 * One supervised service. `docs/architecture.md` tells the life of an incarnation; the words of the states are the wire's.
 *
 *              spawn_requested           spawned, ready
 *   ┌▶ pending ───────────────▶ starting ───────────────▶ running
 *   │     ▲ ▲                      │  └────────┬─────────────┤
 *   │     │ └──emptied, due──── crashed ◀──────┴──exited─────┤ retried
 *   │     │                      ▲                           │
 *   │  emptied              emptied, failing                 │
 *   │     └──── restarting ──────┘ ◀──restart, changed, ─────┤
 *   │             ▲  │ stop          unhealthy, found        │
 *   │       start │  ▼                                       │
 *   │          stopping ◀──stop, delete, drain, exit not retried
 *   │             │ emptied
 *   │   ┌─────────┼──────────┐
 *   │   ▼         ▼          ▼
 *   └ stopped   failed    deleted        start leads from stopped and failed to pending
 *
 * An incarnation is open from `process.spawn_requested` to `incarnation.emptied` (or `process.spawn_failed`);
 * `pending` asks for the next one only while none is open, and `stopped`, `failed` and `deleted` have none.
 */
export const serviceMachine = house.createMachine({
  id: "service",
  context: ({ input }) => ({
    definition: input.definition,
    version: input.version,
    desired: "running",
    deleting: false,
    failing: false,
    attempt: 0,
    failures: [],
    crashLooping: false,
    restartCount: 0,
    armed: {},
  }),
  initial: "pending",
  states: {
    pending: {
      on: {
        ...always,
        "process.spawn_requested": {
          guard: "isEmpty",
          target: "starting",
          actions: ["open", spawnProcess],
        },
        "process.lost": { guard: "current", actions: "lost" },
        "incarnation.emptied": { guard: "current", actions: "emptied" },
        "service.start_requested": { actions: "freshStart" },
        "service.restart_requested": { actions: "freshStart" },
        "service.changed": { actions: "redefine" },
        "service.stop_requested": [
          { guard: "isOpen", target: "stopping", actions: [watchUnproven, "wishStopped"] },
          { target: "stopped", actions: "wishStopped" },
        ],
        "service.delete_requested": [
          { guard: "isOpen", target: "stopping", actions: [watchUnproven, "wishDeleted"] },
          { target: "deleted", actions: "wishDeleted" },
        ],
        "service.drain_requested": [
          { guard: "isOpen", target: "stopping", actions: "drained" },
          { target: "stopped", actions: "drained" },
        ],
        "environment.booted": [
          {
            guard: and(["isOpen", found("proven")]),
            target: "restarting",
            actions: ["proven", stopIncarnation],
          },
          { guard: and(["isOpen", found("unproven")]), actions: ["unproven", watchUnproven] },
          { actions: "noted" },
        ],
      },
    },
    starting: {
      on: {
        ...alive,
        "process.spawned": [
          {
            guard: and(["current", "declaresReadiness"]),
            actions: ["spawned", startReadiness, ...armReady],
          },
          { guard: "current", target: "running", actions: up },
        ],
        "process.spawn_failed": [
          {
            guard: and(["current", spawnIs("retry")]),
            target: "crashed",
            actions: ["notSpawned", "countFailure", ...armBackoff],
          },
          { guard: "current", target: "failed", actions: ["notSpawned", "endsBadly"] },
        ],
        "readiness.reached": {
          guard: "current",
          target: "running",
          actions: ["forgetError", startHealth, ...armHealthy],
        },
        "timer.fired": [
          {
            guard: and([fired("ready"), retries]),
            target: "restarting",
            actions: [stopProbes, stopIncarnation, "blameReadiness", "willCount"],
          },
          {
            guard: fired("ready"),
            target: "stopping",
            actions: [stopProbes, stopIncarnation, "blameReadiness", "endsBadly"],
          },
        ],
      },
    },
    running: {
      on: {
        ...alive,
        "timer.fired": { guard: and([fired("healthy"), "hasFailed"]), actions: "healed" },
        "health.changed": { guard: "current", actions: "noteHealth" },
        "health.failed": [
          {
            guard: and(["current", retries]),
            target: "restarting",
            actions: [stopProbes, stopIncarnation, "blameHealth", "willCount"],
          },
          {
            guard: "current",
            target: "stopping",
            actions: [stopProbes, stopIncarnation, "blameHealth", "endsBadly"],
          },
        ],
      },
    },
    crashed: {
      on: {
        ...always,
        ...leaving,
        "incarnation.emptied": [
          {
            guard: and(["current", "noMoreDelay"]),
            target: "pending",
            actions: ["emptied", "due"],
          },
          { guard: "current", actions: ["emptied", ...armBackoff] },
        ],
        "timer.fired": { guard: fired("backoff"), target: "pending", actions: "due" },
        "service.start_requested": [
          { guard: "isOpen", target: "restarting", actions: "freshStart" },
          { target: "pending", actions: "freshStart" },
        ],
        "service.restart_requested": [
          { guard: "isOpen", target: "restarting", actions: "freshStart" },
          { target: "pending", actions: "freshStart" },
        ],
        "service.changed": [
          { guard: "isOpen", target: "restarting", actions: ["redefine", "freshStart"] },
          { target: "pending", actions: ["redefine", "freshStart"] },
        ],
        "service.stop_requested": [
          { guard: "isOpen", target: "stopping", actions: [stopIncarnation, "wishStopped"] },
          { target: "stopped", actions: "wishStopped" },
        ],
        "service.delete_requested": [
          { guard: "isOpen", target: "stopping", actions: [stopIncarnation, "wishDeleted"] },
          { target: "deleted", actions: "wishDeleted" },
        ],
        "service.drain_requested": [
          { guard: "isOpen", target: "stopping", actions: [stopIncarnation, "drained"] },
          { target: "stopped", actions: "drained" },
        ],
        "environment.booted": [
          {
            guard: and(["isOpen", found("unproven")]),
            target: "pending",
            actions: ["unproven", watchUnproven, "due"],
          },
          { guard: and(["isOpen", found("proven")]), actions: [stopIncarnation, "dueAfterBoot"] },
          { guard: and(["isOpen", "newMachineBoot"]), actions: "due" },
          { guard: "isOpen", actions: "dueAfterBoot" },
          { guard: "newMachineBoot", target: "pending", actions: "due" },
          { actions: ["dueAfterBoot", ...armBackoff] },
        ],
      },
    },
    restarting: {
      on: {
        ...goingDown,
        "process.spawn_failed": [
          {
            guard: and(["current", "failing"]),
            target: "crashed",
            actions: ["notSpawned", "countFailure", ...armBackoff],
          },
          { guard: "current", target: "pending", actions: "notSpawned" },
        ],
        "incarnation.emptied": [
          {
            guard: and(["current", "failing"]),
            target: "crashed",
            actions: ["emptied", "countFailure", ...armBackoff],
          },
          { guard: "current", target: "pending", actions: "emptied" },
        ],
        "service.start_requested": { actions: "freshStart" },
        "service.restart_requested": { actions: ["freshStart", stopIncarnation] },
        "service.changed": { actions: ["redefine", "freshStart"] },
        "service.stop_requested": { target: "stopping", actions: [stopIncarnation, "wishStopped"] },
        "service.delete_requested": {
          target: "stopping",
          actions: [stopIncarnation, "wishDeleted"],
        },
        "service.drain_requested": { target: "stopping", actions: [stopIncarnation, "drained"] },
        "environment.booted": [
          { guard: found("proven"), actions: stopIncarnation },
          {
            guard: found("unproven"),
            target: "pending",
            actions: ["unproven", watchUnproven, "willTry"],
          },
          { guard: "newMachineBoot", actions: "willTry" },
          { actions: "noted" },
        ],
      },
    },
    stopping: {
      on: {
        ...goingDown,
        "process.spawn_failed": [
          { guard: and(["current", "deleting"]), target: "deleted", actions: "notSpawned" },
          { guard: and(["current", "endedBadly"]), target: "failed", actions: "notSpawned" },
          { guard: "current", target: "stopped", actions: ["notSpawned", "forgetError"] },
        ],
        "incarnation.emptied": [
          { guard: and(["current", "deleting"]), target: "deleted", actions: "emptied" },
          { guard: and(["current", "endedBadly"]), target: "failed", actions: "emptied" },
          { guard: "current", target: "stopped", actions: "emptied" },
        ],
        "service.start_requested": [
          { guard: and(["staying", "isUnproven"]), target: "pending", actions: "freshStart" },
          { guard: "staying", target: "restarting", actions: "freshStart" },
        ],
        "service.restart_requested": [
          { guard: and(["staying", "isUnproven"]), target: "pending", actions: "freshStart" },
          {
            guard: "staying",
            target: "restarting",
            actions: ["freshStart", stopIncarnation],
          },
        ],
        "service.changed": [
          {
            guard: and(["staying", "starts", "isUnproven"]),
            target: "pending",
            actions: ["redefine", "freshStart"],
          },
          {
            guard: and(["staying", "starts"]),
            target: "restarting",
            actions: ["redefine", "freshStart"],
          },
          { guard: "staying", actions: "redefine" },
        ],
        "service.stop_requested": [
          { guard: "isUnproven", actions: [watchUnproven, "wishStopped"] },
          { actions: [stopIncarnation, "wishStopped"] },
        ],
        "service.delete_requested": [
          { guard: "isUnproven", actions: [watchUnproven, "wishDeleted"] },
          { actions: [stopIncarnation, "wishDeleted"] },
        ],
        "environment.booted": [
          {
            guard: and(["returns", found("proven")]),
            target: "restarting",
            actions: ["proven", stopIncarnation, "willTry"],
          },
          {
            guard: and(["returns", found("unproven")]),
            target: "pending",
            actions: ["unproven", watchUnproven, "willTry"],
          },
          { guard: "returns", target: "restarting", actions: "willTry" },
          { guard: found("proven"), actions: ["proven", stopIncarnation] },
          { guard: found("unproven"), actions: ["unproven", watchUnproven] },
          { actions: "noted" },
        ],
      },
    },
    stopped: {
      on: {
        ...down,
        "service.stop_requested": { guard: "wantsToRun", actions: "wishStopped" },
        "environment.booted": [
          { guard: "returns", target: "pending", actions: "willTry" },
          { actions: "noted" },
        ],
      },
    },
    failed: {
      on: {
        ...down,
        "service.stop_requested": { target: "stopped", actions: "wishStopped" },
        "environment.booted": [
          { guard: "returns", target: "pending", actions: "willTry" },
          { actions: "noted" },
        ],
      },
    },
    deleted: { type: "final" },
  },
});
