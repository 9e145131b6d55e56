import type { ComponentEvent } from "./component-events.ts";
import type { ComponentContext } from "./component-setup.ts";
import { resolved } from "./definition.ts";
import type { Instant } from "./kit.ts";
import type { ServiceTimer } from "./service-events.ts";

export const stop = {
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
export const empty = {
  type: "emptyIncarnation",
  params: ({ context }: { context: ComponentContext }) => ({ incarnation: context.open?.id ?? "" }),
} as const;
export const stopProbes = {
  type: "stopProbes",
  params: ({ context }: { context: ComponentContext }) => ({ incarnation: context.life ?? "" }),
} as const;
export const spawn = {
  type: "spawnProcess",
  params: ({ context }: { context: ComponentContext }) => ({
    incarnation: context.open?.id ?? "",
    definition: context.definition,
  }),
} as const;
export const ask = {
  type: "startReadiness",
  params: ({ context }: { context: ComponentContext }) => ({
    incarnation: context.open?.id ?? "",
    readiness: context.definition.ready,
  }),
} as const;
export const watch = {
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
export const armBackoff = arm("backoff", (context, at) => context.dueAt ?? at);
export const armReady = arm(
  "ready",
  (context, at) => at + resolved(context.definition).readyTimeoutMs,
);

/** What ran for so long without being asked is ready, in milliseconds: a script that fails does it at once. */
const SETTLED_MS = 500;
export const armSettled = arm("ready", (_, at) => at + SETTLED_MS);
/** A component whose start ended with 0 after it was ready may take so long to show that it still is, in milliseconds. */
const STILL_READY_MS = 10_000;
export const armStillReady = arm("ready", (_, at) => at + STILL_READY_MS);

export const late = { type: "fired", params: { timer: "ready" } } as const;

/** Taken wherever a life is open, and changes nothing of where it stands. */
export const noted = {
  "component.moved": { actions: "move" },
  "output.ended": { actions: "noted" },
  "process.kill_sent": { guard: "current", actions: "noted" },
  "process.unkillable": { guard: "current", actions: "unkillable" },
} as const;

/** What ends a life that goes on. */
export const leaving = {
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
export const vanished = [
  { guard: "leftNothing", actions: "emptied" },
  {
    guard: "current",
    target: "crashed",
    actions: ["emptied", "explainVanished", "countFailure", stopProbes, ...armBackoff],
  },
] as const;

/** A boot ends what an earlier daemon started: it begins anew, in its order. */
export const booted = [
  { guard: "foundProven", target: "ending", actions: ["willTry", stop] },
  { guard: "foundUnproven", target: "ending", actions: ["unproven", "willTry", watch] },
  { guard: "isOpen", target: "ending", actions: "willTry" },
  { target: "pending", actions: "due" },
] as const;
