import { and, not } from "xstate";
import {
  armBackoff,
  armReady,
  armSettled,
  armStillReady,
  ask,
  booted,
  empty,
  late,
  leaving,
  noted,
  spawn,
  stop,
  stopProbes,
  vanished,
  watch,
} from "./component-parts.ts";
import { house } from "./component-setup.ts";

/**
 * One component of the machine: a database, a mount, what else must be there before the main process and the services.
 *
 *   ┌▶ pending ──spawn_requested──▶ starting ◀──ready, ended with 0──▶ ready
 *   │                                  │  failed, late     │ exited
 *   │       due                        ▼                   ▼
 *   ├──────────── crashed ◀──emptied── ending ◀────────────┘
 *   │                                  │ emptied, changed
 *   └──────────────────────────────────┘        draining ──emptied──▶ stopped
 *
 * start.sh stays, and then its end is a failure; or it ends with 0, and what it started is the component, ready when ready.sh says so (again, where it
 * did before the end). Without ready.sh it is ready when it has run for a moment, or has ended with 0.
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
        "component.moved": { actions: "move" },
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
          { guard: and(["current", "isUnasked"]), actions: ["spawned", ...armSettled] },
          { guard: "current", actions: ["spawned", ask, ...armReady] },
        ],
        "process.spawn_failed": {
          guard: "current",
          target: "crashed",
          actions: ["notSpawned", "countFailure", ...armBackoff],
        },
        "process.exited": [
          {
            guard: and(["succeeded", "isUnasked"]),
            target: "ready",
            actions: ["exited", "detach", "isReady"],
          },
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
          { guard: and([late, "isUnasked"]), target: "ready", actions: "isReady" },
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
          {
            guard: and(["succeeded", "isUnasked", "isStillStarting"]),
            actions: ["exited", "detach"],
          },
          {
            guard: and(["succeeded", not("isUnasked")]),
            target: "starting",
            actions: ["exited", "detach", ask, ...armStillReady],
          },
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
        "component.moved": { actions: "move" },
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
        "component.changed": { actions: "redefine" },
        "component.removed": { target: "ending", actions: "remove" },
        "environment.booted": booted,
      },
    },
    stopped: {
      on: {
        "output.ended": { actions: "noted" },
        "component.changed": { actions: "redefine" },
        "component.moved": { actions: "move" },
        "component.removed": { target: "removed", actions: "remove" },
        "environment.booted": { target: "pending", actions: "due" },
      },
    },
    removed: { type: "final" },
  },
});
