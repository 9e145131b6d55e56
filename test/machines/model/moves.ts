import type { ServiceDefinition } from "../../../machines/definition.ts";
import type { ServiceEvent } from "../../../machines/service-events.ts";
import { contextOf, type Move, type Node, type Outside, phaseOf } from "./world.ts";

/** Long after everything that was due. */
const LATE_MS = 3_600_000;

const FOUND = [
  { kind: "none" },
  { kind: "proven", pids: [100] },
  { kind: "unproven", pid: 100 },
] as const;

type Fact<E> = E extends unknown ? Omit<E, "at" | "id"> : never;
const facts = <const List extends readonly Fact<ServiceEvent>[]>(list: List): List => list;

/** What a person can wish. */
const wishes = (definition: ServiceDefinition, version: number) =>
  facts([
    { type: "service.start_requested" },
    { type: "service.stop_requested" },
    { type: "service.stop_requested", timeoutMs: 1_000 },
    { type: "service.restart_requested" },
    { type: "service.delete_requested" },
    { type: "service.drain_requested", timeoutMs: 2_000 },
    { type: "service.signal_requested", signal: "HUP" },
    { type: "service.changed", definition, version: version + 1, start: true },
    { type: "service.changed", definition, version: version + 1, start: false },
  ]);

/** What runners report of an incarnation. */
const reports = (incarnation: string) =>
  facts([
    { type: "process.spawned", incarnation, pid: 100, startTime: "1", wall: 1 },
    {
      type: "process.spawn_failed",
      incarnation,
      error: { errno: "ENOENT", message: "not found" },
      jitter: 0.5,
    },
    {
      type: "process.spawn_failed",
      incarnation,
      error: { errno: "EPERM", message: "no key", permanent: true },
      jitter: 0.5,
    },
    { type: "process.exited", incarnation, status: { code: 0 }, jitter: 0.5 },
    { type: "process.exited", incarnation, status: { code: 1 }, jitter: 0.5 },
    { type: "process.exited", incarnation, status: { signal: "KILL" }, jitter: 0.5 },
    { type: "process.lost", incarnation },
    { type: "process.kill_sent", incarnation },
    { type: "process.stop_command_failed", incarnation, reason: "exited with code 1" },
    { type: "process.unkillable", incarnation, pid: 100 },
    { type: "incarnation.emptied", incarnation, jitter: 0.5 },
    { type: "output.ended", incarnation, logTo: 10, lines: 1 },
    { type: "readiness.reached", incarnation },
    { type: "readiness.failed", incarnation, reason: "refused" },
    { type: "health.failed", incarnation, reason: "refused", failures: 3 },
    { type: "health.changed", incarnation, ok: false, reason: "refused" },
    { type: "health.changed", incarnation, ok: true },
  ]);

/** Reports whose answer depends on the time: they also come late. */
const TIMED = new Set([
  "incarnation.emptied",
  "process.exited",
  "process.spawn_failed",
  "health.failed",
]);

/** Every event there is, at one node. */
export function moves(definition: ServiceDefinition, at: Node): Move[] {
  const { open, version, armed } = contextOf(at);
  const { outside, now } = at;
  const list: Move[] = [];
  const add = (fact: Fact<ServiceEvent>, honest: boolean, when = now + 1) => {
    const id = `ev_${outside.life}_${when}_${list.length}`;
    list.push({ event: { ...fact, at: when, id } as ServiceEvent, honest });
  };
  const settled = outside.process !== "lost";
  for (const wish of wishes(definition, version)) add(wish, settled);
  for (const found of FOUND)
    for (const newMachineBoot of [false, true])
      add(
        { type: "environment.booted", found, newMachineBoot },
        settled && (open !== undefined || found.kind === "none"),
      );
  add(
    { type: "process.spawn_requested", incarnation: `in_${outside.life + 1}`, machineBoot: "mb" },
    settled && phaseOf(at) === "pending" && open === undefined,
  );
  for (const report of reports(open?.id ?? "in_none")) {
    const honest = open !== undefined && canReport(at, report);
    add(report, honest);
    if (TIMED.has(report.type)) add(report, honest, now + LATE_MS);
  }
  for (const report of reports("in_stale")) add(report, settled && report.type === "output.ended");
  for (const timer of ["backoff", "healthy", "ready"] as const) {
    const held = outside.timers[timer];
    if (held)
      add(
        { type: "timer.fired", timer, armed: held.armed },
        settled,
        Math.max(now + 1, held.dueAt),
      );
    if (armed[timer] !== undefined && armed[timer] !== held?.armed)
      add({ type: "timer.fired", timer, armed: armed[timer] }, false);
    add({ type: "timer.fired", timer, armed: "ev_stale" }, false);
  }
  return list;
}

const isEnding = ({ process, ending }: Outside): boolean =>
  ending && (process === "up" || process === "gone" || process === "found");

/** When an honest runner can report each of the open incarnation. */
const REPORTED: {
  [Type in ServiceEvent["type"]]?: (outside: Outside, exited: boolean) => boolean;
} = {
  "process.spawned": ({ process }) => process === "asked",
  "process.spawn_failed": ({ process }) => process === "asked",
  "process.exited": ({ process }, exited) => process === "up" || (process === "found" && !exited),
  "process.lost": ({ process }, exited) => process === "lost" && !exited,
  "process.kill_sent": isEnding,
  "process.stop_command_failed": isEnding,
  "process.unkillable": (outside) =>
    isEnding(outside) || (outside.ending && outside.process === "asked"),
  "incarnation.emptied": ({ process, ending }, exited) =>
    process === "lost" ? exited : ending && ["gone", "found", "unproven"].includes(process),
  "output.ended": ({ process }) => process === "gone",
  "readiness.reached": ({ process, readiness }) => process === "up" && readiness,
  "readiness.failed": ({ process, readiness }) => process === "up" && readiness,
  "health.failed": ({ process, health }) => process === "up" && health,
  "health.changed": ({ process, health }) => process === "up" && health,
};

const canReport = ({ snapshot, outside }: Node, report: Fact<ServiceEvent>): boolean =>
  REPORTED[report.type]?.(outside, snapshot.context.open?.exited === true) ?? false;
