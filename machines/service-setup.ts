import { assign, setup } from "xstate";
import {
  type HealthCheck,
  type Readiness,
  resolved,
  type ServiceDefinition,
} from "./definition.ts";
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

interface ServiceInput {
  definition: ServiceDefinition;
  version: number;
}

/** The event of one type, where an action or a guard is only ever used with it. */
type Of<Type extends ServiceEvent["type"]> = Extract<ServiceEvent, { type: Type }>;
export const as = <Type extends ServiceEvent["type"]>(event: ServiceEvent, _type: Type): Of<Type> =>
  event as Of<Type>;

const changedOpen = (
  context: ServiceContext,
  patch: Partial<Incarnation>,
): Partial<ServiceContext> => (context.open ? { open: { ...context.open, ...patch } } : {});

/** A person's start or change: what went wrong before does not count any more. */
const FRESH = { restartCount: 0, attempt: 0, failures: [], failing: false };

/** What the machine asks for. Each name needs a runner: `src/runtime/effects.ts` does not compile without. */
export const serviceEffects = {
  spawnProcess: effect<{ incarnation: string; definition: ServiceDefinition }>(),
  /** `definition` only where it has a stop command: that runs as the service itself does. */
  stopIncarnation: effect<{
    incarnation: string;
    signal: string;
    timeoutMs: number;
    definition?: ServiceDefinition;
  }>(),
  emptyIncarnation: effect<{ incarnation: string }>(),
  watchUnproven: effect<{ incarnation: string; pid: number }>(),
  signalProcess: effect<{ incarnation: string; signal: string }>(),
  armTimer: effect<{ timer: ServiceTimer; dueAt: Instant; armed: string }>(),
  /** `health` absent: nothing is asked. */
  startHealth: effect<{ incarnation: string; health: HealthCheck | undefined }>(),
  startReadiness: effect<{ incarnation: string; readiness: Readiness | undefined }>(),
  stopProbes: effect<{ incarnation: string }>(),
};

/** What the service machine is made of: the effects it asks for, what it remembers, what it asks itself. */
export const house = setup({
  types: {} as { context: ServiceContext; events: ServiceEvent; input: ServiceInput },
  actions: {
    ...serviceEffects,

    // What it remembers.
    open: assign(({ event }) => {
      const { incarnation, machineBoot } = as(event, "process.spawn_requested");
      return {
        open: { id: incarnation, machineBoot, exited: false },
        dueAt: undefined,
        delayMs: undefined,
        armed: {}, // what an earlier life armed and still waits is not for this one
        unready: undefined,
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
      error: `not ready within ${resolved(context.definition).readyTimeoutMs / 1000} s${context.unready === undefined ? "" : `: ${context.unready}`}`,
    })),
    noteHealth: assign(({ event }) => {
      const { ok, reason } = as(event, "health.changed");
      return { unhealthy: ok ? undefined : (reason ?? "failed") };
    }),
    noteUnready: assign(({ event }) => ({ unready: as(event, "readiness.failed").reason })),
    forgetError: assign({ error: undefined, unready: undefined }),
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
