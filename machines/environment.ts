import { assign, setup } from "xstate";
import type { Stamp } from "./kit.ts";

export type EnvironmentFact =
  /** Birth: once in the life of a state directory. */
  | { type: "environment.created"; name: string }
  /** A daemon began. `machineBoot`: kernel boot and PID namespace under it; `found`: how many open incarnations it looked for and how many it proved its own. */
  | {
      type: "environment.booted";
      machineBoot: string;
      pid: number;
      release: string;
      /** Where the logs of services are written. */
      logDir: string;
      found: { open: number; proven: number; unproven: number };
    }
  /** It answers, and has decided what to start. */
  | { type: "environment.ready_reached" }
  /** It was told to end; services are stopped within the deadline, in milliseconds. */
  | {
      type: "environment.drain_requested";
      reason: string;
      deadlineMs: number;
      /** The main process's service: it ends before the others begin to. */
      first?: string;
      /** What that one gets in the place of its stop signal. */
      signal?: string;
    }
  /** `left`: names of services that were not down at the deadline. */
  | { type: "environment.drained"; left: readonly string[] }
  /** The services that configuration owns are as it wants them: each at this version of its definition. */
  | { type: "config.applied"; services: { readonly [name: string]: Ownership } }
  /** The wall clock jumped by so many milliseconds against our own. */
  | { type: "clock.stepped"; byMs: number }
  /** A stream's rows and its machine disagree: it is shown, and left alone. */
  | { type: "stream.quarantined"; stream: string; reason: string }
  /** A quarantined stream was deleted; a birth may begin it anew after `version`. */
  | { type: "stream.retired"; stream: string; version: number };

/** Which version of a service's definition the configuration gave it last. */
export interface Ownership {
  version: number;
  /** `main`: the main process; `file`: a service of the configuration file. */
  by: "file" | "main";
}

type EnvironmentEvent = EnvironmentFact & Stamp;

/** Every type of event the environment's stream can hold. */
export const ENVIRONMENT_EVENT_TYPES = [
  "environment.created",
  "environment.booted",
  "environment.ready_reached",
  "environment.drain_requested",
  "environment.drained",
  "config.applied",
  "clock.stepped",
  "stream.quarantined",
  "stream.retired",
] as const satisfies readonly EnvironmentEvent["type"][];

export interface EnvironmentContext {
  name: string;
  /** Of the newest boot. */
  machineBoot?: string;
  deadlineMs?: number;
  /** Of the shutdown under way. */
  drain?: { first?: string; signal?: string } | undefined;
  /** Services that configuration owns. */
  owned?: { readonly [name: string]: Ownership };
  /** Why each quarantined stream is. */
  quarantined: { readonly [stream: string]: string };
  /** Streams to read only from behind this version. */
  retired: { readonly [stream: string]: number };
}

const house = setup({
  types: {} as { context: EnvironmentContext; events: EnvironmentEvent; input: { name: string } },
  actions: {
    booted: assign(({ event }) =>
      event.type === "environment.booted"
        ? { machineBoot: event.machineBoot, drain: undefined }
        : {},
    ),
    draining: assign(({ event }) => {
      if (event.type !== "environment.drain_requested") return {};
      const { deadlineMs, first, signal } = event;
      const drain = {
        ...(first !== undefined && { first }),
        ...(signal !== undefined && { signal }),
      };
      return { deadlineMs, ...(first !== undefined && { drain }) };
    }),
    own: assign(({ event }) => (event.type === "config.applied" ? { owned: event.services } : {})),
    quarantine: assign(({ context, event }) =>
      event.type === "stream.quarantined"
        ? { quarantined: { ...context.quarantined, [event.stream]: event.reason } }
        : {},
    ),
    retire: assign(({ context, event }) => {
      if (event.type !== "stream.retired") return {};
      const { [event.stream]: _gone, ...quarantined } = context.quarantined;
      return { quarantined, retired: { ...context.retired, [event.stream]: event.version } };
    }),
    noted: assign({}),
  },
});

/**
 * The sprite itself: one a state directory.
 *
 *   down ──booted──▶ booting ──ready_reached──▶ ready ──drain_requested──▶ draining ──drained──▶ down
 *
 * A boot leads to `booting` from anywhere: a row that leaves another state than `down` says that the daemon before it was killed.
 */
export const environmentMachine = house.createMachine({
  id: "environment",
  context: ({ input }) => ({ name: input.name, quarantined: {}, retired: {} }),
  initial: "down",
  on: {
    "environment.booted": { target: ".booting", actions: "booted" },
    "config.applied": { actions: "own" },
    "clock.stepped": { actions: "noted" },
    "stream.quarantined": { actions: "quarantine" },
    "stream.retired": { actions: "retire" },
  },
  states: {
    down: {},
    booting: {
      on: {
        "environment.ready_reached": "ready",
        "environment.drain_requested": { target: "draining", actions: "draining" },
      },
    },
    ready: { on: { "environment.drain_requested": { target: "draining", actions: "draining" } } },
    draining: { on: { "environment.drained": "down" } },
  },
});
