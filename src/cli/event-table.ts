import type { EventWire } from "../api/routes/events.ts";
import { formatDuration } from "../base/duration.ts";
import { exitInWords } from "../../machines/service-context.ts";
import type { ExitStatus, Found, SpawnError } from "../../machines/service-events.ts";
import { paint } from "./output.ts";

/** Widths of the columns. Rows come one by one, so they cannot be taken from the longest; a longer text pushes the rest. */
const COLUMNS = [
  ["seq", 7],
  ["time", 24],
  ["stream", 18],
  ["type", 25],
  ["states", 23],
  ["actor", 8],
  ["data", 0],
] as const;

const line = (cells: readonly string[]): string =>
  COLUMNS.map(([, width], index) => (cells[index] ?? "").padEnd(width))
    .join("  ")
    .trimEnd();

/** The headings of the table. */
export const eventHeader = (): string => paint("dim", line(COLUMNS.map(([name]) => name)));

/** One event as people read it. */
export const eventLine = (row: EventWire): string =>
  line([
    String(row.seq),
    new Date(row.wall).toISOString(),
    row.stream,
    row.type,
    statesOf(row),
    row.actor,
    tellingData(row),
  ]);

/** Where nothing changed, one word is enough. */
const statesOf = ({ from_state: from, to_state: to }: EventWire): string =>
  from === to ? to : `${from ?? ""} → ${to}`.trimStart();

/** The data that tells most, in a few words: each type of event has its own. What is not known is shown as it is. */
export function tellingData({ type, data }: EventWire): string {
  const tell = Object.hasOwn(TELLING, type) ? TELLING[type] : undefined;
  return harmless(tell ? tell(data) : JSON.stringify(data));
}

type Data = EventWire["data"];

const nothing = (): string => "";
const timeout = ({ timeoutMs }: Data): string =>
  typeof timeoutMs === "number" ? `within ${formatDuration(timeoutMs)}` : "";

const TELLING: Readonly<Record<string, (data: Data) => string>> = {
  "service.created": ({ definition, version }) =>
    `version ${String(version)}: ${commandOf(definition)}`,
  "service.changed": ({ definition, version }) =>
    `version ${String(version)}: ${commandOf(definition)}`,
  "service.start_requested": nothing,
  "service.stop_requested": timeout,
  "service.restart_requested": timeout,
  "service.delete_requested": timeout,
  "service.drain_requested": timeout,
  "service.signal_requested": ({ signal }) => String(signal),
  "process.spawn_requested": nothing,
  "process.spawned": ({ pid }) => `pid ${String(pid)}`,
  "process.spawn_failed": ({ error }) => {
    const { errno, message } = error as unknown as SpawnError; // its machine took it
    return `${errno}: ${message}`;
  },
  "process.exited": ({ status }) => exitInWords(status as ExitStatus), // its machine took it
  "process.lost": nothing,
  "process.kill_sent": nothing,
  "process.unkillable": ({ pid }) => `pid ${String(pid)}`,
  "incarnation.emptied": nothing,
  "output.ended": ({ lines, droppedBytes }) =>
    `${String(lines)} lines${droppedBytes === undefined ? "" : `, ${String(droppedBytes)} bytes dropped`}`,
  "readiness.reached": nothing,
  "health.failed": ({ reason, failures }) => `${String(failures)} times: ${String(reason)}`,
  "health.changed": ({ ok, reason }) => (ok === true ? "ok" : `not ok: ${String(reason ?? "")}`),
  "timer.fired": ({ timer }) => String(timer),
  "environment.created": ({ name }) => String(name),
  "environment.booted": (data) => (data["pid"] === undefined ? foundOf(data) : daemonOf(data)),
  "environment.ready_reached": nothing,
  "environment.drain_requested": ({ reason, deadlineMs }) =>
    `${String(reason)}, within ${formatDuration(Number(deadlineMs))}`,
  "environment.drained": ({ left }) =>
    Array.isArray(left) && left.length > 0 ? `left: ${left.join(", ")}` : "",
  "clock.stepped": ({ byMs }) =>
    `${Number(byMs) < 0 ? "-" : "+"}${formatDuration(Math.abs(Number(byMs)))}`,
  "stream.quarantined": ({ stream, reason }) => `${String(stream)}: ${String(reason)}`,
  "stream.retired": ({ stream, version }) => `${String(stream)} after version ${String(version)}`,
};

/** Types whose data has words of its own. */
export const TOLD_TYPES: readonly string[] = Object.keys(TELLING);

function commandOf(definition: Data[string] | undefined): string {
  const { cmd, args } = definition as { cmd: string; args?: string[] }; // its machine took it
  return [cmd, ...(args ?? [])].join(" ");
}

const daemonOf = ({ pid, release, found }: Data): string => {
  const { open, proven, unproven } = found as Record<string, number>; // its machine took it
  const left = open === 0 ? "" : `, ${open} open: ${proven} proven, ${unproven} unproven`;
  return `pid ${String(pid)}, release ${String(release)}${left}`;
};

function foundOf({ found, newMachineBoot }: Data): string {
  const one = found as unknown as Found; // its machine took it
  const pids =
    one.kind === "proven"
      ? ` ${one.pids.join(", ")}`
      : one.kind === "unproven"
        ? ` ${one.pid}`
        : "";
  return `found ${one.kind}${pids}${newMachineBoot === true ? ", new machine boot" : ""}`;
}

// oxlint-disable-next-line no-control-regex -- what a terminal would obey is what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f]+/g;

/** Text of a program's making, without what a terminal would obey. */
const harmless = (text: string): string => text.replace(CONTROL, " ");
