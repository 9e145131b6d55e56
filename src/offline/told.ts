import { formatDuration } from "../base/duration.ts";
import { idOf, type EventRow } from "../journal/record.ts";
import { wishInWords } from "./steps.ts";
import { endInWords, numberOf, textOf, who } from "./words.ts";

/**
 * An event in words, as it stands alone: who did what, or what happened.
 *
 * @param armed the row that armed the timer, where it is one that is due
 */
export function told(row: EventRow, armed?: EventRow): string {
  const wish = wishInWords(row);
  if (wish !== undefined) return wish;
  if (armed && textOf(row, "timer") === "backoff")
    return `the delay before the next try is over: ${formatDuration(Math.round(row.at - armed.at))} after ${reasonOf(armed)}`;
  const tell = TELL[row.type];
  return tell ? tell(row) : row.type;
}

/** What a delay follows: the end of a process, or of all that was left of it. */
const reasonOf = (armed: EventRow): string =>
  armed.type === "process.spawn_failed"
    ? "it could not be started"
    : `event ${armed.seq}, the end of its process`;

const within = (row: EventRow): string => {
  const ms = numberOf(row, "timeoutMs");
  return ms === undefined ? "" : ` within ${formatDuration(ms)}`;
};

const because = (row: EventRow, key = "reason"): string => {
  const reason = textOf(row, key);
  return reason === "" ? "" : `: ${reason}`;
};

const TIMERS: Readonly<Record<string, string>> = {
  backoff: "the delay before the next try is over",
  healthy: "it ran long enough: earlier failures do not count any more",
  ready: "it did not become ready in time",
};

const found = (row: EventRow): string => {
  const { kind, pid } = (row.data["found"] ?? {}) as { kind?: string; pid?: number };
  if (kind === "proven") return `a daemon booted, and found its process ${pid ?? ""} alive`;
  if (kind === "unproven") return `a daemon booted, and found process ${pid ?? ""} that may be its`;
  return "a daemon booted, and found nothing of it alive";
};

const TELL: Readonly<Record<string, (row: EventRow) => string>> = {
  "service.created": (row) => `${who(row.actor)} created it`,
  "service.changed": (row) => `${who(row.actor)} changed its definition`,
  "service.start_requested": (row) => `${who(row.actor)} asked to start it`,
  "service.stop_requested": (row) => `${who(row.actor)} asked to stop it${within(row)}`,
  "service.restart_requested": (row) => `${who(row.actor)} asked to restart it${within(row)}`,
  "service.delete_requested": (row) => `${who(row.actor)} asked to delete it`,
  "service.drain_requested": () =>
    "the daemon shuts down: it is to end, and to start again with the next one",
  "service.signal_requested": (row) => `${who(row.actor)} had it sent SIG${textOf(row, "signal")}`,
  "process.spawn_requested": () => "a process may be started",
  "process.spawned": (row) => `process ${numberOf(row, "pid") ?? ""} was started`,
  "process.spawn_failed": (row) => endInWords(row),
  "process.exited": (row) => `its process ${endInWords(row)}`,
  "process.lost": (row) => `its process ${endInWords(row)}`,
  "process.kill_sent": () => "it did not end in time: everything of it gets KILL",
  "process.stop_command_failed": (row) => `its stop command failed${because(row)}`,
  "process.unkillable": (row) => `process ${numberOf(row, "pid") ?? ""} survives KILL`,
  "incarnation.emptied": () => "nothing of this life is left",
  "output.ended": (row) => `its output ended after ${numberOf(row, "lines") ?? 0} lines`,
  "readiness.reached": () => "it is ready",
  "readiness.failed": (row) => `it is not ready yet${because(row)}`,
  "health.failed": (row) => `its health check failed too often${because(row)}`,
  "health.changed": (row) =>
    row.data["ok"] === true
      ? "its health check succeeds again"
      : `its health check failed${because(row)}`,
  "timer.fired": (row) =>
    TIMERS[textOf(row, "timer")] ?? `the timer ${textOf(row, "timer")} is due`,
  "environment.created": () => "the log begins",
  "environment.booted": (row) =>
    row.data["found"] && !("open" in (row.data["found"] as object))
      ? found(row)
      : `a daemon booted, process ${numberOf(row, "pid") ?? ""}, release ${textOf(row, "release")}`,
  "environment.ready_reached": () => "everything that could start was asked to",
  "environment.drain_requested": (row) => `the daemon was told to end${because(row)}`,
  "environment.drained": () => "the daemon ended its services",
  "component.created": () => "configuration has it",
  "component.changed": () => "configuration has it otherwise",
  "component.moved": (row) => `it starts in place ${(numberOf(row, "place") ?? 0) + 1} now`,
  "component.removed": () => "configuration has it no more",
  "component.drain_requested": () => "the daemon shuts down: it is to end",
  "config.applied": () => "the services of the configuration are as it wants them",
  "clock.stepped": (row) => `the clock on the wall jumped by ${numberOf(row, "byMs") ?? 0} ms`,
  "stream.quarantined": (row) => `${idOf(textOf(row, "stream"))} was quarantined${because(row)}`,
  "stream.retired": (row) => `${idOf(textOf(row, "stream"))} was given up`,
};
