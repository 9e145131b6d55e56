import type { ComponentFact } from "../../machines/component-events.ts";
import { printable } from "../base/printable.ts";
import type { EventWire } from "../api/event-wire.ts";
import { formatDuration } from "../base/duration.ts";
import { exitInWords } from "../../machines/service-context.ts";
import type { ServiceFact } from "../../machines/service-events.ts";
import type { ServiceDefinition } from "../../machines/definition.ts";
import type { EnvironmentFact } from "../../machines/environment.ts";
import { paint } from "./output.ts";

/** Widths of the columns. Rows come one by one, so they cannot be taken from the longest; a longer text pushes the rest. */
const COLUMNS = [
  ["seq", 7],
  ["time", 24],
  ["stream", 18],
  ["type", 27],
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

type Fact = ServiceFact | EnvironmentFact | ComponentFact;
type Teller<Type extends Fact["type"]> = (fact: Extract<Fact, { type: Type }>) => string;

/** The data that tells most, in a few words. Data that is not as its type has it was altered, and is shown as it stands. */
function tellingData({ type, data }: EventWire): string {
  const tell = Object.hasOwn(TELLING, type) ? TELLING[type as Fact["type"]] : undefined;
  try {
    return printable(tell ? (tell as (fact: object) => string)(data) : JSON.stringify(data));
  } catch {
    return printable(JSON.stringify(data));
  }
}

const nothing = (): string => "";
const timeout = ({ timeoutMs }: { timeoutMs?: number }): string =>
  timeoutMs === undefined ? "" : `within ${formatDuration(timeoutMs)}`;

const TELLING: { readonly [Type in Fact["type"]]: Teller<Type> } = {
  "service.created": (fact) => commandOf(fact),
  "service.changed": (fact) => commandOf(fact),
  "service.start_requested": nothing,
  "service.stop_requested": timeout,
  "service.restart_requested": timeout,
  "service.delete_requested": timeout,
  "service.drain_requested": timeout,
  "service.signal_requested": ({ signal }) => signal,
  "process.spawn_requested": nothing,
  "process.spawned": ({ pid }) => `pid ${pid}`,
  "process.spawn_failed": ({ error }) => `${error.errno}: ${error.message}`,
  "process.exited": ({ status }) => exitInWords(status),
  "process.lost": nothing,
  "process.kill_sent": nothing,
  "process.stop_command_failed": ({ reason }) => reason,
  "process.unkillable": ({ pid }) => `pid ${pid}`,
  "incarnation.emptied": nothing,
  "output.ended": ({ lines, droppedBytes = 0 }) =>
    `${lines} lines${droppedBytes === 0 ? "" : `, ${droppedBytes} bytes dropped`}`,
  "readiness.reached": nothing,
  "readiness.failed": ({ reason }) => reason,
  "health.failed": ({ reason, failures }) => `${failures} times: ${reason}`,
  "health.changed": ({ ok, reason = "" }) => (ok ? "ok" : `not ok: ${reason}`),
  "timer.fired": ({ timer }) => timer,
  "environment.created": ({ name }) => name,
  "environment.booted": (fact) => ("pid" in fact ? daemonOf(fact) : foundOf(fact)),
  "environment.ready_reached": nothing,
  "environment.drain_requested": ({ reason, deadlineMs }) =>
    `${reason}, within ${formatDuration(deadlineMs)}`,
  "environment.drained": ({ left }) => (left.length > 0 ? `left: ${left.join(", ")}` : ""),
  "component.created": ({ definition }) => wordsOf(definition),
  "component.changed": ({ definition }) => wordsOf(definition),
  "component.moved": ({ place }) => `to place ${place + 1}`,
  "component.removed": nothing,
  "component.drain_requested": timeout,
  "config.applied": ({ services }) => Object.keys(services).join(", "),
  "clock.stepped": ({ byMs }) => `${byMs < 0 ? "-" : "+"}${formatDuration(Math.abs(byMs))}`,
  "stream.quarantined": ({ stream, reason }) => `${stream}: ${reason}`,
  "stream.retired": ({ stream, version }) => `${stream} after version ${version}`,
};

/** Every type of event there is. */
export const eventTypes = (): string[] => Object.keys(TELLING);

function commandOf({
  definition,
  version,
}: {
  definition: ServiceDefinition;
  version: number;
}): string {
  return `version ${version}: ${wordsOf(definition)}`;
}

const wordsOf = ({ cmd, args = [] }: ServiceDefinition): string => [cmd, ...args].join(" ");

type Booted<Of extends Fact> = Extract<Of, { type: "environment.booted" }>;

function daemonOf({ pid, release, found }: Booted<EnvironmentFact>): string {
  const { open, proven, unproven } = found;
  const left = open === 0 ? "" : `, ${open} open: ${proven} proven, ${unproven} unproven`;
  return `pid ${pid}, release ${release}${left}`;
}

function foundOf({ found, newMachineBoot }: Booted<ServiceFact>): string {
  const pids =
    found.kind === "proven"
      ? ` ${found.pids.join(", ")}`
      : found.kind === "unproven"
        ? ` ${found.pid}`
        : "";
  return `found ${found.kind}${pids}${newMachineBoot ? ", new machine boot" : ""}`;
}
