import { and, assign, setup } from "xstate";
import { nextDelay } from "./backoff.ts";
import { resolved, type Readiness, type ServiceDefinition } from "./definition.ts";
import { effect, type Instant, type Stamp } from "./kit.ts";
import { exitInWords, type Incarnation } from "./service-context.ts";
import type { ExitStatus, Found, ProcessReport, ServiceTimer } from "./service-events.ts";

/** A component as configuration has it: how it starts, and how it says that it is ready. */
export interface ComponentDefinition extends ServiceDefinition {
  /** Prepares it for a checkpoint: a program and its arguments. */
  checkpoint?: readonly string[];
  /** Brings it back after a restore. */
  restore?: readonly string[];
}

export type ComponentFact =
  /** Birth. `place`: components start in its order, 0 first. */
  | { type: "component.created"; definition: ComponentDefinition; place: number }
  | { type: "component.changed"; definition: ComponentDefinition; place: number }
  /** Configuration has it no more. */
  | { type: "component.removed" }
  /** The daemon is ending. */
  | { type: "component.drain_requested"; timeoutMs?: number }
  | ProcessReport
  | { type: "timer.fired"; timer: ServiceTimer; armed: string }
  | { type: "environment.booted"; found: Found; newMachineBoot: boolean };

type ComponentEvent = ComponentFact & Stamp;

/** Every type of event a component's stream can hold. */
export const COMPONENT_EVENT_TYPES = [
  "component.created",
  "component.changed",
  "component.removed",
  "component.drain_requested",
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
  "timer.fired",
  "environment.booted",
] as const satisfies readonly ComponentEvent["type"][];

export interface ComponentContext {
  definition: ComponentDefinition;
  place: number;
  open?: Incarnation | undefined;
  /** The incarnation that started it, also when nothing of that is left. */
  life?: string | undefined;
  /** start.sh ended with 0: what it started goes on without it. */
  detached: boolean;
  /** When that was. */
  detachedAt?: Instant | undefined;
  removing: boolean;
  /** Where `ending` leads: true counts as a failure, with a delay. */
  failing: boolean;
  /** Failures in a row. */
  attempt: number;
  restartCount: number;
  dueAt?: Instant | undefined;
  armed: { readonly [Timer in ServiceTimer]?: string };
  startedAt?: number | undefined;
  unprovenPid?: number | undefined;
  unkillablePid?: number | undefined;
  unready?: string | undefined;
  lastExit?: (ExitStatus & { spawnError?: string }) | undefined;
  error?: string | undefined;
}

type Of<Type extends ComponentEvent["type"]> = Extract<ComponentEvent, { type: Type }>;
const as = <Type extends ComponentEvent["type"]>(event: ComponentEvent, _type: Type): Of<Type> =>
  event as Of<Type>;

const changedOpen = (
  context: ComponentContext,
  patch: Partial<Incarnation>,
): Partial<ComponentContext> => (context.open ? { open: { ...context.open, ...patch } } : {});

const idOfOpen = ({ context }: { context: ComponentContext }): string => context.open?.id ?? "";

/** What the machine asks for: the same as a service, of the same runners. */
export const componentEffects = {
  spawnProcess: effect<{ incarnation: string; definition: ComponentDefinition }>(),
  stopIncarnation: effect<{ incarnation: string; signal: string; timeoutMs: number }>(),
  emptyIncarnation: effect<{ incarnation: string }>(),
  watchUnproven: effect<{ incarnation: string; pid: number }>(),
  armTimer: effect<{ timer: ServiceTimer; dueAt: Instant; armed: string }>(),
  startReadiness: effect<{ incarnation: string; readiness: Readiness | undefined }>(),
  stopProbes: effect<{ incarnation: string }>(),
};

/** What is gone so soon after the start was never meant to stay, in milliseconds. */
const VANISHES_MS = 1_000;

const house = setup({
  types: {} as {
    context: ComponentContext;
    events: ComponentEvent;
    input: { definition: ComponentDefinition; place: number };
  },
  actions: {
    ...componentEffects,
    open: assign(({ event }) => {
      const { incarnation, machineBoot } = as(event, "process.spawn_requested");
      return {
        open: { id: incarnation, machineBoot, exited: false },
        life: incarnation,
        detached: false,
        dueAt: undefined,
        armed: {},
        unready: undefined,
      };
    }),
    spawned: assign(({ context, event }) => {
      const { pid, startTime, wall } = as(event, "process.spawned");
      return { ...changedOpen(context, { pid, startTime }), startedAt: wall };
    }),
    notSpawned: assign(({ event }) => {
      const { error } = as(event, "process.spawn_failed");
      return { open: undefined, error: error.message, lastExit: { spawnError: error.errno } };
    }),
    exited: assign(({ context, event }) => {
      const { status } = as(event, "process.exited");
      return { ...changedOpen(context, { exited: true }), lastExit: status };
    }),
    detach: assign(({ event }) => ({ detached: true, detachedAt: event.at })),
    explainVanished: assign({ error: "what its start left running has ended" }),
    explainExit: assign(({ event }) => ({
      error: exitInWords(as(event, "process.exited").status),
    })),
    lost: assign(({ context }) => ({ ...changedOpen(context, { exited: true }), lastExit: {} })),
    emptied: assign({ open: undefined, unkillablePid: undefined, unprovenPid: undefined }),
    countFailure: assign(({ context, event }) => {
      const attempt = context.attempt + 1;
      const draw = "jitter" in event ? event.jitter : 0.5;
      const { backoff } = resolved(context.definition);
      return {
        attempt,
        restartCount: context.restartCount + 1,
        dueAt: event.at + nextDelay(backoff, attempt, draw),
        failing: false,
      };
    }),
    due: assign({ dueAt: undefined }),
    willCount: assign({ failing: true }),
    willTry: assign({ failing: false }),
    blameReadiness: assign(({ context }) => ({
      error: `not ready within ${resolved(context.definition).readyTimeoutMs / 1000} s${context.unready === undefined ? "" : `: ${context.unready}`}`,
    })),
    noteUnready: assign(({ event }) => ({ unready: as(event, "readiness.failed").reason })),
    isReady: assign({ error: undefined, unready: undefined, attempt: 0 }),
    redefine: assign(({ event }) => {
      const { definition, place } = as(event, "component.changed");
      return { definition, place, attempt: 0, restartCount: 0, error: undefined };
    }),
    remove: assign({ removing: true, failing: false }),
    unkillable: assign(({ event }) => ({ unkillablePid: as(event, "process.unkillable").pid })),
    unproven: assign(({ event }) => {
      const { found } = as(event, "environment.booted");
      return found.kind === "unproven" ? { unprovenPid: found.pid } : {};
    }),
    noted: assign({}),
    armed: assign(({ context, event }, { timer }: { timer: ServiceTimer }) => ({
      armed: { ...context.armed, [timer]: event.id },
    })),
  },
  guards: {
    current: ({ context, event }) =>
      "incarnation" in event && event.incarnation === context.open?.id,
    sameLife: ({ context, event }) => "incarnation" in event && event.incarnation === context.life,
    /** Its start left nothing that runs, as a mount does; what goes later has failed. */
    leftNothing: ({ context, event }) =>
      "incarnation" in event &&
      event.incarnation === context.open?.id &&
      context.detachedAt !== undefined &&
      event.at - context.detachedAt <= VANISHES_MS,
    isOpen: ({ context }) => context.open !== undefined,
    isEmpty: ({ context }) => context.open === undefined,
    removing: ({ context }) => context.removing,
    failing: ({ context }) => context.failing,
    /** It is ready as soon as it runs. */
    readyAtOnce: ({ context, event }) =>
      "incarnation" in event &&
      event.incarnation === context.open?.id &&
      context.definition.ready === undefined,
    /** start.sh did what it had to. */
    succeeded: ({ context, event }) =>
      event.type === "process.exited" &&
      event.incarnation === context.open?.id &&
      event.status.code === 0,
    /** It ends with 0 and nobody is asked whether it is ready: it did what it had to. */
    succeededUnasked: ({ context, event }) =>
      event.type === "process.exited" &&
      event.incarnation === context.open?.id &&
      event.status.code === 0 &&
      context.definition.ready === undefined,
    foundProven: ({ context, event }) =>
      context.open !== undefined && as(event, "environment.booted").found.kind === "proven",
    foundUnproven: ({ context, event }) =>
      context.open !== undefined && as(event, "environment.booted").found.kind === "unproven",
    fired: ({ context, event }, { timer }: { timer: ServiceTimer }) => {
      const fired = as(event, "timer.fired");
      return fired.timer === timer && fired.armed === context.armed[timer];
    },
    noMoreDelay: ({ context, event }) => (context.dueAt ?? event.at) <= event.at,
  },
});

const stop = {
  type: "stopIncarnation",
  params: ({ context, event }: { context: ComponentContext; event: ComponentEvent }) => {
    const { stopSignal, stopTimeoutMs } = resolved(context.definition);
    const asked = event.type === "component.drain_requested" ? event.timeoutMs : undefined;
    return {
      incarnation: context.open?.id ?? "",
      signal: stopSignal,
      timeoutMs: asked ?? stopTimeoutMs,
    };
  },
} as const;
const empty = {
  type: "emptyIncarnation",
  params: (args: { context: ComponentContext }) => ({ incarnation: idOfOpen(args) }),
} as const;
const stopProbes = {
  type: "stopProbes",
  params: ({ context }: { context: ComponentContext }) => ({ incarnation: context.life ?? "" }),
} as const;
const spawn = {
  type: "spawnProcess",
  params: ({ context }: { context: ComponentContext }) => ({
    incarnation: context.open?.id ?? "",
    definition: context.definition,
  }),
} as const;
const ask = {
  type: "startReadiness",
  params: ({ context }: { context: ComponentContext }) => ({
    incarnation: context.open?.id ?? "",
    readiness: context.definition.ready,
  }),
} as const;
const watch = {
  type: "watchUnproven",
  params: ({ context }: { context: ComponentContext }) => ({
    incarnation: context.open?.id ?? "",
    pid: context.unprovenPid ?? 0,
  }),
} as const;
const arm = (timer: ServiceTimer, dueAt: (context: ComponentContext, at: Instant) => Instant) =>
  [
    { type: "armed", params: { timer } },
    {
      type: "armTimer",
      params: ({ context, event }: { context: ComponentContext; event: ComponentEvent }) => ({
        timer,
        dueAt: dueAt(context, event.at),
        armed: event.id,
      }),
    },
  ] as const;
const armBackoff = arm("backoff", (context, at) => context.dueAt ?? at);
const armReady = arm("ready", (context, at) => at + resolved(context.definition).readyTimeoutMs);

const late = { type: "fired", params: { timer: "ready" } } as const;

/** Taken wherever a life is open, and changes nothing of where it stands. */
const noted = {
  "output.ended": { actions: "noted" },
  "process.kill_sent": { guard: "current", actions: "noted" },
  "process.unkillable": { guard: "current", actions: "unkillable" },
} as const;

/** What ends a life that goes on. */
const leaving = {
  "component.changed": [
    { guard: "isOpen", target: "ending", actions: ["redefine", "willTry", stopProbes, stop] },
    { target: "pending", actions: ["redefine", stopProbes] },
  ],
  "component.removed": [
    { guard: "isOpen", target: "ending", actions: ["remove", stopProbes, stop] },
    { target: "removed", actions: ["remove", stopProbes] },
  ],
  "component.drain_requested": [
    { guard: "isOpen", target: "draining", actions: [stopProbes, stop] },
    { target: "stopped", actions: stopProbes },
  ],
  "process.lost": { guard: "current", target: "ending", actions: ["lost", "willTry"] },
} as const;

/** Nothing of it is left: right for a start that leaves nothing, a failure later. */
const vanished = [
  { guard: "leftNothing", actions: "emptied" },
  {
    guard: "current",
    target: "crashed",
    actions: ["emptied", "explainVanished", "countFailure", stopProbes, ...armBackoff],
  },
] as const;

/** A boot ends what an earlier daemon started: it begins anew, in its order. */
const booted = [
  { guard: "foundProven", target: "ending", actions: ["willTry", stop] },
  { guard: "foundUnproven", target: "ending", actions: ["unproven", "willTry", watch] },
  { guard: "isOpen", target: "ending", actions: "willTry" },
  { target: "pending", actions: "due" },
] as const;

/**
 * One component of the machine: a database, a mount, what else must be there before the main process and the services.
 *
 *   ┌▶ pending ──spawn_requested──▶ starting ──ready──▶ ready
 *   │                                  │  failed, late     │ exited
 *   │       due                        ▼                   ▼
 *   ├──────────── crashed ◀──emptied── ending ◀────────────┘
 *   │                                  │ emptied, changed
 *   └──────────────────────────────────┘        draining ──emptied──▶ stopped
 *
 * start.sh stays, and then its end is a failure; or it ends with 0, and what it started is the component.
 */
export const componentMachine = house.createMachine({
  id: "component",
  context: ({ input }) => ({
    definition: input.definition,
    place: input.place,
    detached: false,
    removing: false,
    failing: false,
    attempt: 0,
    restartCount: 0,
    armed: {},
  }),
  initial: "pending",
  states: {
    pending: {
      on: {
        "process.spawn_requested": {
          guard: "isEmpty",
          target: "starting",
          actions: ["open", spawn],
        },
        "component.changed": { actions: "redefine" },
        "component.removed": { target: "removed", actions: "remove" },
        "component.drain_requested": "stopped",
        "output.ended": { actions: "noted" },
        "environment.booted": { actions: "due" },
      },
    },
    starting: {
      on: {
        ...noted,
        ...leaving,
        "process.spawned": [
          { guard: "readyAtOnce", target: "ready", actions: ["spawned", "isReady"] },
          { guard: "current", actions: ["spawned", ask, ...armReady] },
        ],
        "process.spawn_failed": {
          guard: "current",
          target: "crashed",
          actions: ["notSpawned", "countFailure", ...armBackoff],
        },
        "process.exited": [
          { guard: "succeeded", actions: ["exited", "detach"] },
          {
            guard: "current",
            target: "ending",
            actions: ["exited", "explainExit", "willCount", stopProbes, empty],
          },
        ],
        "incarnation.emptied": vanished,
        "readiness.failed": { guard: "sameLife", actions: "noteUnready" },
        "readiness.reached": { guard: "sameLife", target: "ready", actions: "isReady" },
        "timer.fired": [
          {
            guard: and([late, "isOpen"]),
            target: "ending",
            actions: ["blameReadiness", "willCount", stopProbes, stop],
          },
          {
            guard: late,
            target: "crashed",
            actions: ["blameReadiness", "countFailure", stopProbes, ...armBackoff],
          },
        ],
        "environment.booted": booted,
      },
    },
    ready: {
      on: {
        ...noted,
        ...leaving,
        "process.exited": [
          { guard: "succeededUnasked", actions: ["exited", "detach"] },
          {
            guard: "current",
            target: "ending",
            actions: ["exited", "explainExit", "willCount", stopProbes, empty],
          },
        ],
        "incarnation.emptied": vanished,
        "environment.booted": booted,
      },
    },
    ending: {
      on: {
        ...noted,
        "process.spawned": { guard: "current", actions: "spawned" },
        "process.exited": { guard: "current", actions: ["exited", empty] },
        "process.lost": { guard: "current", actions: "lost" },
        "process.spawn_failed": [
          { guard: "removing", target: "removed", actions: "notSpawned" },
          { guard: "current", target: "pending", actions: "notSpawned" },
        ],
        "incarnation.emptied": [
          { guard: "removing", target: "removed", actions: "emptied" },
          {
            guard: "failing",
            target: "crashed",
            actions: ["emptied", "countFailure", ...armBackoff],
          },
          { guard: "current", target: "pending", actions: "emptied" },
        ],
        "component.changed": { actions: ["redefine", "willTry"] },
        "component.removed": { actions: "remove" },
        "component.drain_requested": { target: "draining", actions: stop },
        "environment.booted": [
          { guard: "foundProven", actions: ["willTry", stop] },
          { guard: "foundUnproven", actions: ["unproven", watch] },
          { actions: "willTry" },
        ],
      },
    },
    crashed: {
      on: {
        "output.ended": { actions: "noted" },
        "timer.fired": {
          guard: { type: "fired", params: { timer: "backoff" } },
          target: "pending",
          actions: "due",
        },
        "component.changed": { target: "pending", actions: ["redefine", "due"] },
        "component.removed": { target: "removed", actions: "remove" },
        "component.drain_requested": "stopped",
        "environment.booted": { target: "pending", actions: "due" },
      },
    },
    draining: {
      on: {
        ...noted,
        "process.spawned": { guard: "current", actions: ["spawned", stop] },
        "process.exited": { guard: "current", actions: ["exited", empty] },
        "process.spawn_failed": { guard: "current", target: "stopped", actions: "notSpawned" },
        "incarnation.emptied": { guard: "current", target: "stopped", actions: "emptied" },
        "component.removed": { target: "ending", actions: "remove" },
        "environment.booted": booted,
      },
    },
    stopped: {
      on: {
        "output.ended": { actions: "noted" },
        "component.changed": { actions: "redefine" },
        "component.removed": { target: "removed", actions: "remove" },
        "environment.booted": { target: "pending", actions: "due" },
      },
    },
    removed: { type: "final" },
  },
});
