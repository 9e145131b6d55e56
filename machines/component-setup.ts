import { assign, setup } from "xstate";
import { nextDelay } from "./backoff.ts";
import type { ComponentDefinition, ComponentEvent } from "./component-events.ts";
import { resolved, type Readiness } from "./definition.ts";
import { effect, type Instant } from "./kit.ts";
import { exitInWords, type Incarnation } from "./service-context.ts";
import type { ExitStatus, ServiceTimer } from "./service-events.ts";

export interface ComponentContext {
  definition: ComponentDefinition;
  place: number;
  open?: Incarnation | undefined;
  /** The incarnation that started it, also when nothing of that is left. */
  life?: string | undefined;
  /** When it was spawned. */
  begunAt?: Instant | undefined;
  /** When it became ready, in this life. */
  readyAt?: Instant | undefined;
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

export const house = setup({
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
        begunAt: undefined,
        readyAt: undefined,
      };
    }),
    spawned: assign(({ context, event }) => {
      const { at, pid, startTime, wall } = as(event, "process.spawned");
      return { ...changedOpen(context, { pid, startTime }), begunAt: at, startedAt: wall };
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
      const draw = "jitter" in event ? event.jitter : 0.5;
      const { backoff } = resolved(context.definition);
      const wasLong =
        context.readyAt !== undefined && event.at - context.readyAt >= backoff.resetAfterMs;
      const attempt = wasLong ? 1 : context.attempt + 1;
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
    blameReadiness: assign(({ context }) => {
      const { readyTimeoutMs } = resolved(context.definition);
      const what =
        context.readyAt === undefined
          ? `not ready within ${readyTimeoutMs / 1000} s`
          : "its start ended with 0, and it is not ready any more";
      return { error: context.unready === undefined ? what : `${what}: ${context.unready}` };
    }),
    noteUnready: assign(({ event }) => ({ unready: as(event, "readiness.failed").reason })),
    isReady: assign(({ event }) => ({
      error: undefined,
      unready: undefined,
      readyAt: event.at,
    })),
    redefine: assign(({ event }) => {
      const { definition, place } = as(event, "component.changed");
      return {
        definition,
        place,
        attempt: 0,
        restartCount: 0,
        error: undefined,
        removing: false,
      };
    }),
    move: assign(({ event }) => ({ place: as(event, "component.moved").place })),
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
    /** Nobody is to be asked whether it is ready. */
    isUnasked: ({ context }) => context.definition.ready === undefined,
    /** start.sh did what it had to. */
    succeeded: ({ context, event }) =>
      event.type === "process.exited" &&
      event.incarnation === context.open?.id &&
      event.status.code === 0,
    /** As long as it may take to become ready it may take to end with 0; later that is the end of what was to stay. */
    isStillStarting: ({ context, event }) =>
      event.at - (context.begunAt ?? event.at) <= resolved(context.definition).readyTimeoutMs,
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
