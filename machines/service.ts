import { and } from "xstate";
import {
  alive,
  always,
  armBackoff,
  armHealthy,
  armReady,
  down,
  fired,
  found,
  goingDown,
  leaving,
  retries,
  spawnIs,
  spawnProcess,
  startHealth,
  startReadiness,
  stopIncarnation,
  stopProbes,
  up,
  watchUnproven,
} from "./service-parts.ts";
import { house } from "./service-setup.ts";

/**
 * One supervised service, whole: its states stay in one file, over 300 lines, because a machine is read as one. `docs/architecture.md` tells the life of an incarnation; the words of the states are the wire's.
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
 * One chart in one file, however long, so that it reads as it is drawn.
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
        "readiness.failed": { guard: "current", actions: "noteUnready" },
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
