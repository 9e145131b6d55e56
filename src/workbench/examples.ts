import type { ServiceFact } from "../../machines/service-events.ts";

/** An example of each event that a service takes, for who sends them by hand. One incarnation, `in_1`, all through. */
export const EXAMPLES: {
  readonly [Type in ServiceFact["type"]]: Omit<Extract<ServiceFact, { type: Type }>, "type">;
} = {
  "service.created": { definition: { cmd: "web" }, version: 1 },
  "service.changed": { definition: { cmd: "other" }, version: 2, start: true },
  "service.start_requested": {},
  "service.stop_requested": {},
  "service.restart_requested": {},
  "service.delete_requested": {},
  "service.drain_requested": { timeoutMs: 10_000 },
  "service.signal_requested": { signal: "HUP" },
  "process.spawn_requested": { incarnation: "in_1", machineBoot: "mb_1" },
  "process.spawned": { incarnation: "in_1", pid: 100, startTime: "7", wall: 1_000 },
  "process.spawn_failed": {
    incarnation: "in_1",
    error: { errno: "ENOENT", message: "no such file" },
    jitter: 0.5,
  },
  "process.exited": { incarnation: "in_1", status: { code: 1 }, jitter: 0.5 },
  "process.lost": { incarnation: "in_1" },
  "process.kill_sent": { incarnation: "in_1" },
  "process.stop_command_failed": { incarnation: "in_1", reason: "it exited with code 1" },
  "process.unkillable": { incarnation: "in_1", pid: 100 },
  "incarnation.emptied": { incarnation: "in_1", jitter: 0.5 },
  "output.ended": { incarnation: "in_1", logTo: 0, lines: 0 },
  "readiness.reached": { incarnation: "in_1" },
  "readiness.failed": { incarnation: "in_1", reason: "connection refused" },
  "health.failed": { incarnation: "in_1", reason: "connection refused", failures: 3 },
  "health.changed": { incarnation: "in_1", ok: false, reason: "connection refused" },
  "timer.fired": { timer: "backoff", armed: "ev_4" },
  "environment.booted": { found: { kind: "none" }, newMachineBoot: false },
};
